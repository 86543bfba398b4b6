using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Tests.Peers;
using IpcPs.Tests.Queues;
using IpcPs.Tests.Sockets;
using IpcPs.Tracing;
using Xunit;

namespace IpcPs.Tests.Tracing;

/// <summary>What other programs send on channels that only their system calls show.</summary>
[Collection(nameof(QueueTests))]
public sealed class SystemCallTraceTests : IDisposable
{
    // Each prints the address, and begins with the first line of its input. "done" shows that it goes on after the trace.
    private const string Pipe = """
        import os, sys
        r, w = os.pipe()
        print(f'pipe:{os.getpid()}/{w}', flush=True); sys.stdin.readline()
        os.write(w, b'one'); os.read(r, 10); os.writev(w, [b'2' * 3, b'\0\xff']); os.readv(r, [bytearray(2), bytearray(9)])
        print('done', flush=True); sys.stdin.readline()
        """;

    private const string Fifo = """
        import os, sys
        f = os.open(sys.argv[1], os.O_RDWR)
        print('fifo:' + sys.argv[1], flush=True); sys.stdin.readline()
        os.write(f, b'one'); os.read(f, 10); os.write(f, b'222\0\xff'); os.read(f, 10)
        print('done', flush=True); sys.stdin.readline()
        """;

    private const string Server = """
        import os, socket, sys, threading
        name = sys.argv[1]
        s = socket.socket(socket.AF_UNIX, getattr(socket, 'SOCK_' + sys.argv[2].upper()))
        s.bind('\0' + name[1:] if name[0] == '@' else name); s.listen()
        def talk():
            c = socket.socket(socket.AF_UNIX, s.type); c.connect(s.getsockname()); c.send(b'one'); c.recv(10)
        print(f'unix:{name}?type={sys.argv[2]}', flush=True); sys.stdin.readline()
        t = threading.Thread(target=talk); t.start()
        a, _ = s.accept(); a.recv(10); a.sendmsg([b'222', b'\0\xff']); t.join()
        print('done', flush=True); sys.stdin.readline()
        """;

    private const string Queue = """
        #include <mqueue.h>
        #include <stdio.h>
        #include <fcntl.h>
        int main(int n, char **a) {
            char line[8192]; mqd_t q = mq_open(a[1], O_RDWR);
            if (q < 0) { perror("mq_open"); return 1; }
            printf("mq:%s\n", a[1]); fflush(stdout); fgets(line, 80, stdin);
            mq_send(q, "one", 3, 0); mq_receive(q, line, sizeof line, 0);
            mq_send(q, "222\0\xff", 5, 0); mq_receive(q, line, sizeof line, 0);
            puts("done"); fflush(stdout); fgets(line, 80, stdin); return 0;
        }
        """;

    private readonly SocketPlace _place = new();

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));

    public void Dispose() => _place.Dispose();

    [Needs("strace", "python3")]
    public void A_pipe() => Traced(Peer.StartPython(Pipe));

    [Needs("strace", "python3")]
    public void A_named_pipe()
    {
        var address = IpcAddress.Parse($"fifo:{Path.Combine(Path.GetTempPath(), $"ipcps-{Guid.NewGuid():N}")}");
        using var pipe = NamedPipe.Create(address);
        try
        {
            Traced(Peer.StartPython(Fifo, address.Path!));
        }
        finally
        {
            File.Delete(address.Path!);
        }
    }

    [Needs("strace", "python3")]
    public void A_stream_socket() => Traced(Peer.StartPython(Server, Path.Combine(_place.Folder, "so ck\"\u00E9"), "stream"));

    [Needs("strace", "python3")]
    public void A_packet_socket_with_an_abstract_name() =>
        Traced(Peer.StartPython(Server, $"@ipcps-{Guid.NewGuid():N}", "seqpacket"));

    [Needs("strace", "gcc")]
    public void A_POSIX_queue()
    {
        using var queue = TestQueue.Posix();
        Traced(Peer.StartC(Queue, queue.Address.Text["mq:".Length..]));
    }

    [Needs("strace", "python3")]
    public void What_moves_within_the_kernel_shows_its_size_only()
    {
        using var peer = Peer.StartPython("""
            import ctypes, os, sys
            r, w = os.pipe(); r2, w2 = os.pipe()
            file = os.open(sys.argv[1], os.O_RDONLY)
            print(f'pipe:{os.getpid()}/{w2}', flush=True); sys.stdin.readline()
            os.write(w, b'12345'); ctypes.CDLL(None).splice(r, None, w2, None, 100, 0)
            os.sendfile(w2, file, 0, 3); sys.stdin.readline()
            """, typeof(DotnetPeer).Assembly.Location);
        using var trace = IpcTrace.Open(IpcAddress.Parse(peer.ReadLine()!), null, wait: Soon);
        peer.Input.WriteLine();
        peer.Input.Flush();
        foreach (var size in new[] { 5, 3 })
        {
            var record = trace.Read(Soon)!;
            Assert.Equal(("->", (long)size, "(moved within the kernel, not shown)"), (record.Direction, record.Size, record.Preview));
        }
    }

    [Needs("strace", "python3")]
    public void The_traced_program_goes_on_where_the_trace_ends_or_is_killed()
    {
        using var peer = Peer.StartPython("""
            import os, sys
            r, w = os.pipe()
            print(f'pipe:{os.getpid()}/{w}', flush=True)
            for line in sys.stdin: os.write(w, line.encode()); print(line, end='', flush=True)
            """);
        var address = peer.ReadLine()!;
        using (IpcTrace.Open(IpcAddress.Parse(address), null, wait: Soon)) Assert.Equal("first", Say(peer, "first"));
        Assert.Equal("0", Tracer(peer));
        Assert.Equal("second", Say(peer, "second"));
        using var tracing = DotnetPeer.Start("trace", address);
        try
        {
            Assert.Equal("ready", tracing.StandardOutput.ReadLine());
            Say(peer, "third");
            Assert.Equal("third\\n", tracing.StandardOutput.ReadLine());
            Assert.NotEqual("0", Tracer(peer));
        }
        finally
        {
            tracing.Kill();
            tracing.WaitForExit();
        }
        Assert.True(SpinWait.SpinUntil(() => Tracer(peer) == "0", 60_000));
        Assert.Equal("fourth", Say(peer, "fourth"));
    }

    [Needs("strace", "python3")]
    public void A_trace_ends_with_the_programs_that_were_traced_and_waits_as_long_as_it_may()
    {
        using var peer = Peer.StartPython(Pipe);
        using var trace = IpcTrace.Open(IpcAddress.Parse(peer.ReadLine()!), null, wait: Soon);
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() => trace.Read(Deadline.After(TimeSpan.FromMilliseconds(10)))).Id);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => trace.Read(new(Soon, cancelled.Token)));
        peer.Kill();
        Assert.Null(trace.Read(Soon));
    }

    [Fact]
    public void What_no_other_process_has_open_says_so()
    {
        using var queue = TestQueue.Posix();
        var error = Assert.Throws<IpcException>(() => IpcTrace.Open(queue.Address, queue.Queue));
        Assert.Equal((IpcErrors.NotFound, IpcErrorCategory.ObjectNotFound), (error.Id, error.Id.Category));
        Assert.StartsWith($"'{queue.Address}' can't be traced: no other process ", error.Message, StringComparison.Ordinal);
        Assert.Contains("relay", error.RecommendedAction, StringComparison.Ordinal);
        Assert.Equal("'pipe:1/999' can't be traced: no process has that descriptor.",
            Assert.Throws<IpcException>(() => IpcTrace.Open(IpcAddress.Parse("pipe:1/999"), null)).Message);
        Assert.Equal(IpcErrors.NotFound,
            Assert.Throws<IpcException>(() => IpcTrace.Open(IpcAddress.Parse($"mq:/ipcps-{Guid.NewGuid():N}"), null)).Id);
    }

    [RootFact]
    public void What_this_user_may_not_inspect_says_so()
    {
        using var queue = TestQueue.Posix();
        var assembly = typeof(DotnetPeer).Assembly.Location;
        var said = Peer.Run("setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "dotnet", "exec", assembly,
            "trace", queue.Address.Text);
        Assert.StartsWith($"IpcNotFound ObjectNotFound '{queue.Address}' can't be traced: no other process was found that has it open, but "
            + "this user may not inspect", said, StringComparison.Ordinal);
    }

    [Needs("python3")]
    public void Without_strace_it_says_what_is_missing()
    {
        using var peer = Peer.StartPython(Pipe);
        var address = peer.ReadLine()!;
        var dotnet = Environment.ProcessPath!;
        var assembly = typeof(DotnetPeer).Assembly.Location;
        var said = Peer.Run("env", "PATH=/nowhere", dotnet, "exec", assembly, "trace", address);
        Assert.Equal($"IpcPlatformNotSupported NotImplemented '{address}' can't be traced: that needs the program strace, which is not "
            + "installed.", said);
    }

    private static void Traced(Peer started)
    {
        using var peer = started;
        using var trace = IpcTrace.Open(IpcAddress.Parse(peer.ReadLine()!), null, wait: Soon);
        Assert.Equal($"by the system calls of process {peer.Id}", trace.Means);
        Assert.Equal("done", Say(peer, ""));
        var isSocket = trace.Address.Scheme == IpcScheme.Unix;
        (string, long, string)[] expected = isSocket
            ? [("->", 3, "one"), ("<-", 5, "222..")]
            : [("->", 3, "one"), ("<-", 3, "one"), ("->", 5, "222.."), ("<-", 5, "222..")];
        foreach (var (direction, size, preview) in expected)
        {
            var record = trace.Read(Soon)!;
            Assert.Equal((direction, size, preview), (record.Direction, record.Size, record.Preview));
            var isSend = direction == (isSocket ? "<-" : "->");
            Assert.Equal((isSend ? peer.Id : null, isSend ? null : (int?)peer.Id), (record.Sender, record.Receiver));
            Assert.InRange(record.Time, DateTimeOffset.Now.AddMinutes(-5), DateTimeOffset.Now);
        }
    }

    private static string? Say(Peer peer, string line)
    {
        peer.Input.WriteLine(line);
        peer.Input.Flush();
        return peer.ReadLine();
    }

    private static string Tracer(Peer peer) =>
        File.ReadLines($"/proc/{peer.Id}/status").First(static l => l.StartsWith("TracerPid:", StringComparison.Ordinal))[10..].Trim();
}
