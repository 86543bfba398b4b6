using System.Globalization;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;

namespace IpcPs.Strength.Hostile;

/// <summary>Another user tries to open, receive from, send to, read and remove what this user made with the default mode.</summary>
internal sealed class OtherUsers : IAttack
{
    private const string OtherUser = "65534";

    public string Name => "another user";

    public void Run(AttackContext context)
    {
        if (Environment.UserName != "root")
        {
            context.Missing = "it needs root, to be another user for a while";
            return;
        }
        // The other user may look into the folder: it is the object's own mode that keeps it out.
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(context.Folder, everybody);
        IpcObject[] objects =
        [
            NamedPipe.Create(IpcAddress.Parse($"fifo:{context.Folder}/pipe")),
            PosixQueue.Create(IpcAddress.Parse($"mq:/{context.NewName()}")),
            SysVQueue.Create(),
            MessageRing.Create(IpcAddress.Parse($"ring:/{context.NewName()}")),
            PosixSharedMemory.Create(IpcAddress.Parse($"shm:/{context.NewName()}"), 4096),
            SysVSharedMemory.Create(null, 4096),
            PosixSemaphore.Create(IpcAddress.Parse($"sem:/{context.NewName()}")),
            SysVSemaphoreSet.Create(null),
            IpcSocket.Listen(IpcAddress.Parse($"unix:{context.Folder}/stream")),
            IpcSocket.Listen(IpcAddress.Parse($"unix:{context.Folder}/packets?type=seqpacket")),
            IpcSocket.Listen(IpcAddress.Parse($"unix:@{context.NewName()}")),
        ];
        foreach (var made in objects)
        {
            context.Own(made);
            if (made.Address.Scheme is not IpcScheme.Unix) context.AtEnd(() => IpcMechanisms.For(made.Address.Scheme).Remove(made.Address));
        }
        // The program's own folder may be closed to the other user; it has it from its parent.
        string[] command = ["setpriv", $"--reuid={OtherUser}", $"--regid={OtherUser}", "--clear-groups"];
        var worker = context.StartUnder(command, "intruder", [.. objects.Select(static o => o.Address.Text)]);
        var tries = 0;
        for (var line = worker.ReadLine(); line != "done"; line = worker.ReadLine())
        {
            tries++;
            if (!line.StartsWith("refused", StringComparison.Ordinal)) context.Fault(line);
        }
        foreach (var channel in objects.OfType<IpcChannel>()) NothingArrived(context, channel);
        context.Figures = string.Create(CultureInfo.InvariantCulture, $"{tries} tries");
    }

    private static void NothingArrived(AttackContext context, IpcChannel channel)
    {
        try
        {
            if (channel.Receive(new MessageBuffer(), default, Deadline.Immediate)) context.Fault($"{channel.Address}: a message arrived.");
        }
        catch (IpcException)
        {
        }
    }
}

/// <summary>The other user: <c>intruder ADDRESS…</c>. It writes a line for each try, and "done".</summary>
internal sealed class Intruder : IWorker
{
    public string Name => "intruder";

    public void Run(string[] args)
    {
        foreach (var address in args.Select(IpcAddress.Parse))
        {
            // Anybody may connect to an abstract socket, and fill its buffer. Its server decides which users it hears.
            var isChannel = address.Scheme is not (IpcScheme.Shm or IpcScheme.SysVShm or IpcScheme.Sem or IpcScheme.SysVSem);
            if (isChannel && !address.Text.StartsWith("unix:@", StringComparison.Ordinal))
                Try(address, "sent to it", IpcAccess.Write, static o => ((IpcChannel)o).Send("intruder"u8, default, Deadline.Immediate));
            Try(address, "opened it", IpcAccess.Default, static o =>
            {
                if (o is not IpcChannel channel) return;
                channel.Send("intruder"u8, default, Deadline.Immediate);
                if (!channel.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromSeconds(10))))
                    throw new IpcException(IpcErrors.PeerClosed, "The server closed the connection.");
            });
            Try(address, "removed it", IpcAccess.Default, o => IpcMechanisms.For(address.Scheme).Remove(address), opens: false);
        }
        Console.WriteLine("done");
    }

    private static void Try(IpcAddress address, string what, IpcAccess access, Action<IpcObject> act, bool opens = true)
    {
        try
        {
            using var found = opens ? IpcMechanisms.Open(address, new OpenOptions { Access = access }, Deadline.Immediate) : null;
            act(found!);
            Console.WriteLine($"{address}: the other user {what}");
        }
        catch (IpcException e)
        {
            Console.WriteLine($"refused: {address}: {e.Id.Name}");
        }
    }
}
