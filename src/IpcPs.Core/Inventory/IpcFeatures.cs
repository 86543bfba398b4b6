using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using IpcPs.Signals.Native;
using IpcPs.Sockets.Native;
using IpcPs.Tracing;

namespace IpcPs.Inventory;

/// <summary>Whether this machine, kernel or container has a mechanism, found out by using it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsAvailable">Whether it worked.</param>
/// <param name="Detail">What was tried, or why it failed.</param>
/// <param name="ErrorId">The id of the error that the mechanism would raise; null where it works.</param>
public sealed record IpcFeature(string Name, bool IsAvailable, string Detail, string? ErrorId);

/// <summary>Tries each mechanism once, with an object of its own that it removes.</summary>
public static class IpcFeatures
{
    private static readonly (string Name, string Tried, Action Try)[] Trials =
    [
        ("AnonymousPipe", "created one (pipe2)", static () => AnonymousPipe.Create().Dispose()),
        ("NamedPipe", "created one in the runtime folder (mkfifo)", static () => Named("fifo:", static a => NamedPipe.Create(a))),
        ("PosixQueue", "created one (mq_open)", static () => Named("mq:/", static a => PosixQueue.Create(a))),
        ("PosixQueueFolder", "the mqueue file system shows what exists", RequireQueueFolder),
        ("SysVQueue", "created a private one (msgget)", static () => Private(SysVQueue.Create())),
        ("SysVPeek", "peeked at a queue (msgrcv, MSG_COPY)", RequirePeek),
        ("UnixSocket", "bound one in the runtime folder (bind)", static () => UnixSocket("stream")),
        ("UnixSeqPacket", "bound one in the runtime folder (bind)", static () => UnixSocket("seqpacket")),
        ("UnixDatagram", "bound one in the runtime folder (bind)", static () => UnixSocket("datagram")),
        ("AbstractSocket", "bound one in the abstract namespace (bind)", static () => Socket($"unix:@ipcps-feature-{Guid.NewGuid():N}")),
        ("Tcp4", "bound a port of 127.0.0.1 (bind)", static () => Socket("tcp:127.0.0.1:0")),
        ("Tcp6", "bound a port of ::1 (bind)", static () => Socket("tcp:[::1]:0")),
        ("Udp4", "bound a port of 127.0.0.1 (bind)", static () => Socket("udp:127.0.0.1:0")),
        ("Udp6", "bound a port of ::1 (bind)", static () => Socket("udp:[::1]:0")),
        ("Ring", "created one in shared memory", static () =>
            Named("ring:/", static a => MessageRing.Create(a, new RingOptions { Capacity = 65536 }))),
        ("PosixSharedMemory", "created one page (shm_open)", static () => Named("shm:/", static a => PosixSharedMemory.Create(a, 4096))),
        ("SysVSharedMemory", "created a private page (shmget)", static () => Private(SysVSharedMemory.Create(null, 4096))),
        ("AnonymousMemory", "created one page (memfd_create)", static () => AnonymousMemory.Create(4096).Dispose()),
        ("PosixSemaphore", "created one (sem_open)", static () => Named("sem:/", static a => PosixSemaphore.Create(a))),
        ("SysVSemaphore", "created a private set (semget)", static () => Private(SysVSemaphoreSet.Create(null))),
        ("Mutex", "created one in the runtime folder", static () => Named("mutex:", static a => IpcMutex.Create(a))),
        ("ProcessDescriptor", "held this process by one (pidfd_open)", RequireProcessDescriptor),
        ("SignalPayload", "an executable page for handlers", RequireHandlerPage),
        ("FileLease", "proved that no process has a file open (fcntl, F_SETLEASE)", RequireLease),
        ("ProcessInspection", "inspected every process (/proc)", RequireProcesses),
        ("PacketCapture", "a raw socket (needs CAP_NET_RAW)", RequireRawSocket),
        ("SystemCallTrace", "attached strace to a child process (ptrace)", RequireStrace),
    ];

    /// <summary>The names that <see cref="Test"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Trials.Select(static t => t.Name)];

    /// <summary>Tries one mechanism.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the name is not known.</exception>
    public static IpcFeature Test(string name)
    {
        foreach (var trial in Trials)
        {
            if (!string.Equals(trial.Name, name, StringComparison.OrdinalIgnoreCase)) continue;
            try
            {
                trial.Try();
                return new IpcFeature(trial.Name, true, trial.Tried, null);
            }
            catch (IpcException e)
            {
                return new IpcFeature(trial.Name, false, e.Message, e.Id.Name);
            }
        }
        throw IpcException.Argument($"'{name}' is not a known feature. Known are {string.Join(", ", Names)}.", name);
    }

    private static void Named(string prefix, Func<IpcAddress, IpcObject> make)
    {
        var address = IpcAddress.Parse($"{prefix}ipcps-feature-{Guid.NewGuid():N}");
        using var made = make(address);
        IpcMechanisms.For(address.Scheme).Remove(address);
    }

    private static void Private(IpcObject made)
    {
        using (made) IpcMechanisms.For(made.Address.Scheme).Remove(made.Address);
    }

    private static void UnixSocket(string type)
    {
        var path = Path.Combine(RuntimeFolder.Ensure(), $"feature-{Guid.NewGuid():N}"[..16]);
        try
        {
            Socket($"unix:{path}?type={type}");
        }
        finally
        {
            _ = Libc.unlink(path);
        }
    }

    private static void Socket(string text)
    {
        var address = IpcAddress.Parse(text);
        using var socket = NativeSocket.Create(address);
        var errno = socket.TryBind(NativeSocketAddress.Of(address));
        if (errno != 0) throw SocketErrors.BindFailed(address, errno);
    }

    private static void RequirePeek()
    {
        using var queue = SysVQueue.Create();
        try
        {
            queue.Receive(new MessageBuffer(), new ReceiveOptions { Peek = true }, Deadline.Immediate);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Empty)
        {
            // The queue is empty, as it should be.
        }
        finally
        {
            SysVQueue.Remove(queue.Address);
        }
    }

    private static void RequireProcessDescriptor()
    {
        using var own = SignalTarget.Open(Environment.ProcessId);
        if (!own.IsHeld)
            throw new IpcException(IpcErrors.PlatformNotSupported,
                "This kernel has no pidfds: a signal is sent to a process id, which may be another process's by then.");
    }

    private static void RequireLease() => Named("shm:/", static a =>
    {
        var segment = PosixSharedMemory.Create(a, 4096);
        segment.Dispose();
        if (LeaseProbe.IsInUse(PosixSharedMemory.PathOf(a)) is null)
            throw new IpcException(IpcErrors.PlatformNotSupported,
                "The kernel grants no leases on files in /dev/shm: "
                + "stale objects are found only where this user may inspect every process.");
        return segment;
    });

    private static void RequireProcesses()
    {
        var processes = new ProcessScan();
        processes.LookAtAll();
        if (processes.Describe() is { } missing)
            throw new IpcException(IpcErrors.AccessDenied, $"Some holders of objects are not known: {missing}.");
    }

    private static void RequireQueueFolder()
    {
        using var folder = QueueFolder.TryOpen()
            ?? throw new IpcException(IpcErrors.PlatformNotSupported,
                "The mqueue file system is not mounted, and this user can't mount it: "
                + "POSIX queues that no process has open can't be listed "
                + "(mkdir /dev/mqueue; mount -t mqueue none /dev/mqueue).");
    }

    private static void RequireHandlerPage()
    {
        if (HandlerPage.Current is null)
            throw new IpcException(IpcErrors.PlatformNotSupported,
                "Signals arrive without sender and value: this is not an x64 processor, or the system refuses executable memory.");
    }

    private static void RequireStrace()
    {
        using var input = AnonymousPipe.Create();
        var stdin = new InheritedDescriptor(input.Reader.Reader!, 0);
        stdin.MakeBlocking();
        using var child = ChildProcess.Start(new ChildProcessOptions { FileName = "cat", Descriptors = [stdin] });
        try
        {
            StraceProcess.Attach(input.Address, [child.Id], Deadline.After(TimeSpan.FromSeconds(30))).Dispose();
        }
        finally
        {
            // The end of its input ends it.
            input.Writer.Dispose();
            child.WaitForExit(Deadline.After(TimeSpan.FromSeconds(30)));
        }
    }

    private static void RequireRawSocket()
    {
        // AF_PACKET, SOCK_RAW, every protocol: what a capture on lo opens.
        var fd = Libc.socket(Libc.AF_PACKET, 3 | Libc.O_CLOEXEC, Libc.AllProtocols);
        if (fd < 0)
            throw IpcException.FromErrno("socket(AF_PACKET)", Marshal.GetLastPInvokeError(), null,
                "Only root, or a process with CAP_NET_RAW, may capture packets.");
        _ = Libc.close(fd);
    }
}
