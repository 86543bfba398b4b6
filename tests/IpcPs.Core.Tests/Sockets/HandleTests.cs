using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Linux;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class HandleTests : IDisposable
{
    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(60));
    private static readonly SendOptions Framed = new() { Framed = true };
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };

    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    public static TheoryData<string> Unix => new("stream", "seqpacket", "datagram");

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(Unix))]
    public void A_pipe_s_end_arrives_alive_and_closed_on_exec(string kind)
    {
        var (client, listener) = ClientOf(kind);
        using var pipe = AnonymousPipe.Create();
        client.Send("take this"u8, Framed with { Handles = [pipe.Writer.Writer!] });
        Assert.True(listener.Receive(_message, default, Soon));
        var descriptor = Assert.Single(_message.TakeHandles());
        Assert.Equal(1, Libc.fcntl(descriptor, Libc.F_GETFD, 0));
        using var received = Assert.IsType<PipeChannel>(DescriptorOpener.Open(descriptor));
        Assert.True(received.CanSend);
        Assert.False(received.CanReceive);
        received.Send("through it"u8, Text);
        Assert.True(pipe.Receive(_message, default, Soon));
        Assert.Equal("through it", Encoding.UTF8.GetString(_message.Payload.Span));
    }

    [Fact]
    public void On_a_stream_descriptors_arrive_with_their_message_and_no_other()
    {
        var (client, server) = _place.Pair("stream");
        using var pipe = AnonymousPipe.Create();
        client.Enqueue("before"u8, Framed);
        client.Enqueue("before too"u8, Text);
        client.Send("one"u8, Text with { Handles = [pipe.Reader.Reader!] });
        client.Send("none"u8, Framed);
        client.Send(new byte[100_000], Framed with { Handles = [pipe.Reader.Reader!, pipe.Writer.Writer!] });
        client.Send("none again"u8, Text);
        client.Send("bytes"u8, new SendOptions { Format = IpcFormat.Bytes, Handles = [pipe.Reader.Reader!] });
        client.Dispose();
        foreach (var expected in new[] { 0, 0, 1, 0, 2, 0, 1 })
        {
            Assert.True(server.Receive(_message, default, Soon));
            Assert.Equal(expected, _message.Handles?.Count ?? 0);
        }
    }

    [Fact]
    public void Descriptors_that_nobody_takes_are_closed()
    {
        var (client, server) = _place.Pair("stream");
        using var pipe = AnonymousPipe.Create();
        client.Send("x"u8, Framed with { Handles = [pipe.Writer.Writer!] });
        Assert.True(server.Receive(_message, default, Soon));
        pipe.Writer.Dispose();
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => pipe.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
        client.Send("y"u8, Framed);
        Assert.True(server.Receive(_message, default, Soon));
        Assert.False(pipe.Receive(new MessageBuffer(), default, Soon));
    }

    [Fact]
    public void Descriptors_in_flight_are_closed_with_the_connection()
    {
        var (client, server) = _place.Pair("stream");
        using var pipe = AnonymousPipe.Create();
        client.Send("half a li"u8, new SendOptions { Format = IpcFormat.Bytes, Handles = [pipe.Writer.Writer!] });
        Assert.Throws<IpcException>(() => server.Receive(_message, default, Deadline.Immediate));
        pipe.Writer.Dispose();
        server.Dispose();
        Assert.False(pipe.Receive(new MessageBuffer(), default, Soon));
    }

    [Fact]
    public void Each_kind_of_object_arrives_as_what_it_is()
    {
        var (client, server) = _place.Pair("seqpacket");
        using var listener = IpcSocket.Listen(_place.Address("abstract"));
        using var memory = AnonymousMemory.Create(4096);
        var path = Path.Combine(_place.Folder, "file");
        File.WriteAllText(path, "content");
        using var file = File.OpenRead(path);
        using var wake = new SafeDescriptor(Libc.eventfd(0, Libc.EFD_CLOEXEC));
        var fifo = Path.Combine(_place.Folder, "fifo");
        using var named = NamedPipe.Create(IpcAddress.Parse("fifo:" + fifo));
        using var end = new SafeDescriptor(Libc.open(fifo, Libc.O_RDWR | Libc.O_CLOEXEC, 0));
        var (first, second) = _place.Pair("tcp");

        client.Send("x"u8, Framed with
        {
            Handles = [listener.HandleToPass!, memory.HandleToPass!, file.SafeFileHandle, wake, end,
            first.HandleToPass!, client.HandleToPass!]
        });
        Assert.True(server.Receive(_message, default, Soon));
        var opened = _message.TakeHandles().Select(DescriptorOpener.Open).ToArray();
        try
        {
            Assert.IsType<SocketListener>(opened[0]);
            Assert.Equal(listener.Address, ((SocketListener)opened[0]).Address);
            Assert.IsType<AnonymousMemory>(opened[1]);
            using (var reader = new StreamReader(Assert.IsType<FileStream>(opened[2]))) Assert.Equal("content", reader.ReadToEnd());
            Assert.IsType<Microsoft.Win32.SafeHandles.SafeFileHandle>(opened[3]);
            Assert.True(Assert.IsType<PipeChannel>(opened[4]) is { CanSend: true, CanReceive: true });
            Assert.IsType<StreamSocket>(opened[5]).Send("by another way"u8, Text);
            Assert.True(second.Receive(_message, default, Soon));
            Assert.Equal(Environment.ProcessId, Assert.IsType<SeqPacketSocket>(opened[6]).PeerProcessId);
            using var connection = IpcSocket.Connect(listener.Address);
            connection.Send("to which?"u8, Text);
            Assert.True(((SocketListener)opened[0]).Receive(_message, default, Soon));
        }
        finally
        {
            foreach (var one in opened.OfType<IDisposable>()) one.Dispose();
        }
    }

    [Fact]
    public void Too_many_at_once_or_none_to_carry_them_is_refused()
    {
        var (client, server) = _place.Pair("stream");
        using var pipe = AnonymousPipe.Create();
        SafeHandle[] many = [.. Enumerable.Repeat(pipe.Reader.Reader!, 253)];
        client.Send("x"u8, Framed with { Handles = many });
        Assert.True(server.Receive(_message, default, Soon));
        Assert.Equal(253, _message.Handles!.Count);
        Assert.Contains("253", Assert.Throws<IpcException>(() => client.Send("x"u8, Framed with
        {
            Handles = [.. many,
            pipe.Writer.Writer!]
        })).Message, StringComparison.Ordinal);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => client.Send(default,
            new SendOptions { Handles = many })).Id);
        foreach (var kind in new[] { "tcp", "udp" })
        {
            var other = _place.Connect(_place.Listen(kind));
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => other.Send("x"u8,
                Framed with { Handles = [pipe.Reader.Reader!] })).Id);
        }
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => pipe.Send("x"u8,
            Framed with { Handles = [pipe.Reader.Reader!] })).Id);
    }

    [Needs("python3")]
    public void Another_program_hands_over_and_takes_descriptors()
    {
        var listener = _place.Listen("stream");
        using var peer = Peer.StartPython("""
            import array, os, socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            r, w = os.pipe()
            s.sendmsg([b'my pipe\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [w]))])
            os.close(w)
            print(os.read(r, 100).decode(), flush=True)
            data, control, flags, _ = s.recvmsg(100, socket.CMSG_SPACE(4))
            fd = array.array('i', control[0][2])[0]
            os.write(fd, b'from python\n')
            print(data.decode(), end='')
            """, listener.Address.Path!);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.Equal("my pipe"u8, _message.Payload.Span);
        var back = _message.ReplyChannel!;
        using (var writer = (PipeChannel)DescriptorOpener.Open(Assert.Single(_message.TakeHandles()))) writer.Send("hello"u8,
            new SendOptions { Format = IpcFormat.Bytes });
        Assert.Equal("hello", peer.ReadLine());
        using var pipe = AnonymousPipe.Create();
        back.Send("yours"u8, Text with { Handles = [pipe.Writer.Writer!] });
        Assert.True(pipe.Receive(_message, default, Soon));
        Assert.Equal("from python"u8, _message.Payload.Span);
        Assert.Equal("yours", peer.Finish());
    }

    [Fact]
    public void What_was_inherited_is_opened_as_what_it_is()
    {
        var listener = _place.Listen("stream");
        using var copy = new SafeDescriptor(Libc.fcntl((SafeDescriptor)listener.HandleToPass!, Libc.F_DUPFD_CLOEXEC, 0));
        using var opened = (SocketListener)IpcMechanisms.Open(IpcAddress.Parse($"fd:{copy.Number}"));
        Assert.Equal("unix stream listener", opened.Kind);
        using var client = IpcSocket.Connect(listener.Address);
        client.Send("x"u8, Framed);
        Assert.True(opened.Receive(_message, default, Soon));
        using var pipe = AnonymousPipe.Create();
        using var end = (PipeChannel)IpcMechanisms.Open(IpcAddress.Parse($"fd:{pipe.Writer.Writer!.Number}"));
        Assert.True(end is { CanSend: true, CanReceive: false });
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => IpcMechanisms.Open(IpcAddress.Parse("fd:99999"))).Id);
        using var null0 = new SafeDescriptor(Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0));
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.Open(IpcAddress.Parse($"fd:{null0.Number}"))).Id);
    }

    private (IpcChannel Client, IpcChannel Receiver) ClientOf(string kind)
    {
        var listener = _place.Listen(kind);
        return (_place.Connect(listener), listener);
    }
}
