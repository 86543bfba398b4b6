using IpcPs.Mechanisms;
using IpcPs.Sockets;
using IpcPs.Tests.Rings;

namespace IpcPs.Strength.Kills;

/// <summary>Receives, and notes every message whose receive returned: <c>kill-receiver ADDRESS LEDGER LARGE</c>.</summary>
internal sealed class KillReceiver : IWorker
{
    /// <summary>Noted instead of a message: the library reported that one was torn.</summary>
    public const long Torn = -2;

    public string Name => "kill-receiver";

    public void Run(string[] args)
    {
        var address = IpcAddress.Parse(args[0]);
        using var ledger = new CrashLedger(args[1]);
        var withLarge = bool.Parse(args[2]);
        var buffer = CrashMessage.NewBuffer(withLarge);
        var message = new MessageBuffer();
        Console.WriteLine("ready");
        Console.ReadLine();
        using var channel = address.Scheme is IpcScheme.Unix or IpcScheme.Tcp
            ? IpcSocket.Listen(address)
            : (IpcChannel)IpcMechanisms.Open(address, new OpenOptions { Access = IpcAccess.Read, Persistent = true });
        Console.WriteLine("open");
        while (true)
        {
            try
            {
                if (channel.Receive(message, new ReceiveOptions { Format = IpcFormat.Object }))
                    ledger.Note(CrashMessage.Check(message.Payload.Span, buffer, withLarge));
            }
            catch (IpcException e) when (e.Id == IpcErrors.TruncatedMessage || e.Id == IpcErrors.InvalidData)
            {
                ledger.Note(Torn);
            }
        }
    }
}
