using System.Net;
using System.Net.Sockets;
using IpcPs.Connections;
using IpcPs.Files;
using IpcPs.Linux;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Connections;

/// <summary>Each kind of connection, between this process and a Python program.</summary>
public sealed class ConnectionTests : IDisposable
{
    private const string Start = """
        import ctypes, fcntl, mmap, os, socket, struct, sys
        libc = ctypes.CDLL('librt.so.1', use_errno=True)
        def ready(text='ready'): print(text, flush=True)
        def stay(): sys.stdin.read()

        """;

    private readonly string _name = $"conn-{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-conn-").FullName;
    private readonly List<IDisposable> _open = [];

    private static int Here => Environment.ProcessId;

    public void Dispose()
    {
        _open.Reverse();
        _open.ForEach(static o => o.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Needs("python3")]
    public void Pipes_lead_from_the_writer_to_the_reader_with_the_bytes_that_wait()
    {
        var fifo = $"{_folder}/pipe";
        using var peer = Python("""
            import signal
            os.mkfifo(sys.argv[1]); f = open(sys.argv[1], 'r+b', 0); f.write(b'abc')
            ready(); signal.pause()
            """, fifo);
        Assert.Equal("ready", peer.ReadLine());
        peer.Input.Write("12345");
        peer.Input.Flush();
        using var reader = File.OpenRead(fifo);
        var found = List(IpcScheme.Pipe, IpcScheme.Fifo);
        // The peer's standard input and output.
        var input = Assert.Single(found, c => IsBetween(c, Here, peer.Id) && c.Kind == "anonymous pipe" && c.Depth == 5);
        Assert.Equal((Here, IpcConnectionDirection.Forward, "bytes"), (input.From.ProcessId, input.Direction, input.DepthUnit));
        Assert.Contains(found, c => c.From.ProcessId == peer.Id && c.To.ProcessId == Here && c.Direction == IpcConnectionDirection.Forward);
        var named = Assert.Single(found, c => c.AddressText == $"fifo:{fifo}");
        Assert.Equal((peer.Id, Here, 3L), (named.From.ProcessId, named.To.ProcessId, named.Depth));
        Assert.Equal($"{named.From} -> {named.To}: fifo:{fifo}", named.ToString());
        // The bytes are still there.
        Assert.Equal(3, reader.Read(new byte[10]));
    }

    [Needs("python3")]
    public void Sockets_are_connected_by_their_two_ends()
    {
        var path = $"{_folder}/s";
        using var peer = Python("""
            u = socket.socket(socket.AF_UNIX); u.bind(sys.argv[1]); u.listen(5)
            t = socket.socket(); t.bind(('127.0.0.1', 0)); t.listen(5)
            d = socket.socket(type=socket.SOCK_DGRAM); d.bind(('127.0.0.1', 0))
            a, b = socket.socketpair(); a.send(b'four')
            child = os.fork()
            if child == 0:
                a.close(); stay(); os._exit(0)
            b.close()
            ready(f'{t.getsockname()[1]} {d.getsockname()[1]} {child}')
            c1, c2 = u.accept(), t.accept(); ready(); stay()
            """, path);
        var numbers = peer.ReadLine()!.Split(' ').Select(int.Parse).ToArray();
        using var unix = Connect(new Socket(AddressFamily.Unix, SocketType.Stream, 0), new UnixDomainSocketEndPoint(path));
        using var tcp = Connect(new Socket(SocketType.Stream, ProtocolType.Tcp), new IPEndPoint(IPAddress.Loopback, numbers[0]));
        using var udp = Connect(new Socket(SocketType.Dgram, ProtocolType.Udp), new IPEndPoint(IPAddress.Loopback, numbers[1]));
        Assert.Equal("ready", peer.ReadLine());
        unix.Send(new byte[3]);
        tcp.Send(new byte[2]);
        using var refused = Connect(new Socket(AddressFamily.Unix, SocketType.Stream, 0), new UnixDomainSocketEndPoint(path));
        var found = List(IpcScheme.Unix, IpcScheme.Tcp, IpcScheme.Udp);
        // The child of the peer has its listeners, too.
        var here = found.Where(c => c.AddressText == $"unix:{path}" && c.To.ProcessId == peer.Id).ToList();
        var named = Assert.Single(here, static c => c.State == IpcConnectionState.Open);
        Assert.Equal((Here, 3L, IpcConnectionDirection.Both), (named.From.ProcessId, named.Depth, named.Direction));
        var waiting = Assert.Single(here, static c => c.State == IpcConnectionState.Waits);
        Assert.Equal((Here, 1L, "clients"), (waiting.From.ProcessId, waiting.Depth, waiting.DepthUnit));
        Assert.Equal($"{waiting.From} waits for {waiting.To}: unix:{path}", waiting.ToString());
        var internet = Assert.Single(found, c => c.AddressText == $"tcp:127.0.0.1:{numbers[0]}" && c.To.ProcessId == peer.Id);
        Assert.Equal((Here, 2L, IpcConnectionDirection.Both), (internet.From.ProcessId, internet.Depth, internet.Direction));
        var datagrams = Assert.Single(found, c => c.AddressText == $"udp:127.0.0.1:{numbers[1]}" && c.To.ProcessId == peer.Id);
        Assert.Equal((Here, IpcConnectionDirection.Forward), (datagrams.From.ProcessId, datagrams.Direction));
        var pair = Assert.Single(found, c => IsBetween(c, peer.Id, numbers[2])
            && c.AddressText.StartsWith("socketpair:", StringComparison.Ordinal));
        Assert.Equal(4, pair.Depth);
    }

    [Needs("python3")]
    public void Memory_and_rings_connect_the_processes_that_use_them()
    {
        var path = $"/dev/shm/{_name}";
        using var file = new FileStream(path, FileMode.CreateNew);
        _open.Add(new Cleanup(() => File.Delete(path)));
        file.SetLength(4096);
        using var segment = SysVSharedMemory.Create(null, 4096);
        RemoveAtEnd(segment.Address);
        using var ring = MessageRing.Create(IpcAddress.Parse($"ring:/{_name}"), new RingOptions());
        ring.Send(new byte[100], default, default);
        // A reader has locked this byte of the ring's file: docs/wire-format.md.
        using var peer = Python("""
            f = open(f'/dev/shm/{sys.argv[1]}', 'r+b'); m = mmap.mmap(f.fileno(), 4096); f.close()
            libc.shmat.restype = ctypes.c_void_p
            libc.shmat(int(sys.argv[2]), None, 0)
            r = open(f'/dev/shm/ipcps-ring.{sys.argv[1]}', 'r+b')
            fcntl.fcntl(r, 37, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, (1 << 40) + 2, 1, 0))
            ready(); stay()
            """, _name, $"{segment.Id}");
        Assert.Equal("ready", peer.ReadLine());
        var found = List(IpcScheme.Shm, IpcScheme.SysVShm, IpcScheme.Ring);
        foreach (var address in new[] { $"shm:/{_name}", segment.Address.Text })
        {
            var shared = Assert.Single(found, c => c.AddressText == address);
            Assert.True(IsBetween(shared, Here, peer.Id));
            Assert.Equal(IpcConnectionDirection.Both, shared.Direction);
        }
        var messages = Assert.Single(found, c => c.AddressText == $"ring:/{_name}");
        Assert.Equal((Here, peer.Id, IpcConnectionDirection.Forward), (messages.From.ProcessId, messages.To.ProcessId, messages.Direction));
        Assert.Equal(ring.PendingBytes, messages.Depth);
    }

    [Needs("python3")]
    public void Queues_lead_from_the_sender_to_the_receiver_with_the_messages_that_wait()
    {
        using var posix = PosixQueue.Create(IpcAddress.Parse($"mq:/{_name}"));
        RemoveAtEnd(posix.Address);
        using var sysV = SysVQueue.Create();
        RemoveAtEnd(sysV.Address);
        posix.Send(new byte[1], default, default);
        sysV.Send(new byte[1], default, default);
        using var peer = Python("""
            q = libc.mq_open(b'/' + sys.argv[1].encode(), os.O_RDONLY)
            buffer = ctypes.create_string_buffer(9000)
            libc.msgrcv(int(sys.argv[2]), buffer, 8192, ctypes.c_long(0), 0)
            ready()
            libc.msgrcv(int(sys.argv[2]), buffer, 8192, ctypes.c_long(0), 0)
            """, _name, $"{sysV.Id}");
        Assert.Equal("ready", peer.ReadLine());
        var found = List(IpcScheme.Mq, IpcScheme.SysVMq);
        var first = Assert.Single(found, c => c.AddressText == $"mq:/{_name}");
        Assert.Equal((Here, peer.Id, 1L, "messages"), (first.From.ProcessId, first.To.ProcessId, first.Depth, first.DepthUnit));
        Assert.Equal(IpcConnectionDirection.Forward, first.Direction);
        var second = Assert.Single(found, c => c.AddressText == sysV.Address.Text);
        Assert.Equal((Here, peer.Id, 0L), (second.From.ProcessId, second.To.ProcessId, second.Depth));
    }

    [Needs("python3")]
    public void Waits_for_locks_lead_to_their_holders()
    {
        using var mutex = IpcMutex.Create(IpcAddress.Parse($"mutex:{_name}"));
        RemoveAtEnd(mutex.Address);
        using var semaphore = PosixSemaphore.Create(IpcAddress.Parse($"sem:/{_name}"), 0);
        RemoveAtEnd(semaphore.Address);
        using var set = SysVSemaphoreSet.Create(null, 2);
        RemoveAtEnd(set.Address);
        var path = $"{_folder}/file";
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var descriptor = new SafeDescriptor((int)file.SafeFileHandle.DangerousGetHandle(), ownsHandle: false);
        mutex.Acquire();
        set.Acquire(new LockOptions { Index = 1 });
        Assert.True(OfdLock.TryAcquire(descriptor, 5, exclusive: true, null));
        using var peer = Python("""
            import threading
            def run(call): threading.Thread(target=call, daemon=True).start()
            m = open(sys.argv[2], 'r+b'); run(lambda: fcntl.flock(m, fcntl.LOCK_EX))
            f = open(sys.argv[3], 'r+b')
            run(lambda: fcntl.fcntl(f, 38, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 5, 1, 0)))
            libc.sem_open.restype = ctypes.c_void_p
            s = libc.sem_open(b'/' + sys.argv[1].encode(), 0)
            run(lambda: libc.sem_wait(ctypes.c_void_p(s)))
            run(lambda: libc.semop(int(sys.argv[4]), struct.pack('Hhh', 1, -1, 0x1000), 1))
            ready(); stay()
            """, _name, mutex.Address.Path!, path, $"{set.Id}");
        Assert.Equal("ready", peer.ReadLine());
        string[] expected = [$"file:{path}", $"mutex:{_name}", $"sem:/{_name}", $"{set.Address} [1]"];
        var waits = Until(
            () => List().Where(c => c.State == IpcConnectionState.Waits && (c.From.ProcessId, c.To.ProcessId) == (peer.Id, Here)).ToList(),
            found => found.Count >= expected.Length);
        Assert.Equal(expected.Order(StringComparer.Ordinal), waits.Select(static c => c.AddressText).Order(StringComparer.Ordinal));
        Assert.All(waits, static c => Assert.Null(c.Deadlock));
        Assert.Empty(Deadlocks(peer.Id));
    }

    [Needs("python3")]
    public void A_deadlock_is_found_across_a_mutex_and_a_semaphore_and_is_gone_once_one_gives_up()
    {
        using var mutex = IpcMutex.Create(IpcAddress.Parse($"mutex:{_name}"));
        RemoveAtEnd(mutex.Address);
        using var set = SysVSemaphoreSet.Create(null);
        RemoveAtEnd(set.Address);
        set.Acquire();
        using var peer = Python("""
            m = open(sys.argv[1], 'r+b'); fcntl.flock(m, fcntl.LOCK_EX); ready()
            libc.semop(int(sys.argv[2]), struct.pack('Hhh', 0, -1, 0), 1)
            """, mutex.Address.Path!, $"{set.Id}");
        Assert.Equal("ready", peer.ReadLine());
        using var giveUp = new CancellationTokenSource();
        var wait = Task.Run(() => mutex.Acquire(new WaitOptions(Deadline.Infinite, giveUp.Token)));
        var found = Until(() => Deadlocks(peer.Id), static c => c.Count == 2);
        Assert.Equal(
            [(Here, peer.Id, mutex.Address.Text), (peer.Id, Here, set.Address.Text)],
            found.Select(static c => (c.From.ProcessId, c.To.ProcessId, c.AddressText)).OrderBy(static c => c.Item1 != Here));
        Assert.Single(found.Select(static c => c.Deadlock).Distinct());
        giveUp.Cancel();
        Assert.Throws<AggregateException>(wait.Wait);
        Assert.Empty(Deadlocks(peer.Id));
    }

    private static List<IpcConnection> Deadlocks(int id) => [.. IpcConnections.List(new ConnectionOptions { OnlyDeadlocks = true }, out _)
        .Where(c => c.From.ProcessId == id || c.To.ProcessId == id)];

    private static IReadOnlyList<IpcConnection> List(params IpcScheme[] schemes) =>
        IpcConnections.List(new ConnectionOptions { Schemes = schemes }, out _);

    private static bool IsBetween(IpcConnection connection, int one, int other) =>
        (connection.From.ProcessId == one && connection.To.ProcessId == other)
        || (connection.From.ProcessId == other && connection.To.ProcessId == one);

    // The peer begins to wait after it has said so.
    private static T Until<T>(Func<T> look, Func<T, bool> isDone)
    {
        var last = look();
        SpinWait.SpinUntil(() => isDone(last = look()), TimeSpan.FromMinutes(1));
        return last;
    }

    private static Socket Connect(Socket socket, EndPoint to)
    {
        socket.Connect(to);
        return socket;
    }

    private void RemoveAtEnd(IpcAddress address) => _open.Add(new Cleanup(() => IpcMechanisms.For(address.Scheme).Remove(address)));

    private static Peer Python(string script, params string[] arguments) => Peer.StartPython(Start + script, arguments);

    private sealed class Cleanup(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
