using System.Diagnostics;
using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Pipes;

public sealed class NamedPipeTests : IDisposable
{
    private static readonly SendOptions Framed = new() { Framed = true };
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private readonly IpcAddress _address = IpcAddress.Parse($"fifo:test-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(_address.Path!);

    [Fact]
    public void A_fifo_is_made_with_the_mode_asked_for_whatever_the_umask()
    {
        using var pipe = NamedPipe.Create(_address,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite,
            File.GetUnixFileMode(_address.Path!));
        Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => NamedPipe.Create(_address)).Id);
    }

    [Fact]
    public void What_is_missing_or_no_fifo_is_refused()
    {
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => NamedPipe.Open(_address, IpcAccess.Read)).Id);
        File.WriteAllText(_address.Path!, "a file");
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => NamedPipe.Open(_address, IpcAccess.Read)).Id);
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.For(IpcScheme.Fifo).Remove(_address)).Id);
        Assert.True(File.Exists(_address.Path));
    }

    [Fact]
    public void A_writer_waits_for_a_reader_only_as_long_as_it_is_told()
    {
        NamedPipe.Create(_address).Dispose();
        Assert.Equal(IpcErrors.NoPeer,
            Assert.Throws<IpcException>(() => NamedPipe.Open(_address, IpcAccess.Write, wait: Deadline.Immediate)).Id);
        Assert.Equal(IpcErrors.Timeout, Assert.Throws<IpcException>(() =>
            NamedPipe.Open(_address, IpcAccess.Write, wait: Deadline.After(TimeSpan.FromMilliseconds(30)))).Id);
        using var cancel = new CancellationTokenSource(30);
        Assert.Throws<OperationCanceledException>(() => NamedPipe.Open(_address, IpcAccess.Write, wait: cancel.Token));
    }

    [Fact]
    public async Task A_writer_that_waits_goes_on_when_the_reader_comes()
    {
        NamedPipe.Create(_address).Dispose();
        var writer = Task.Run(() =>
        {
            using var pipe = NamedPipe.Open(_address, IpcAccess.Write);
            pipe.Send("hello"u8, Text);
        });
        using var reader = NamedPipe.Open(_address, IpcAccess.Read);
        Assert.Equal(["hello"], ReceiveAll(reader));
        await writer;
    }

    [Fact]
    public void A_reader_sees_each_writer_end_and_waits_for_the_next()
    {
        using var reader = NamedPipe.Create(_address);
        foreach (var text in new[] { "first", "second" })
        {
            using var writer = Shell($"echo {text} > {_address.Path}");
            Assert.Equal([text], ReceiveAll(reader));
            writer.WaitForExit();
        }
        Assert.Equal(IpcErrors.Empty,
            Assert.Throws<IpcException>(() => reader.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
    }

    [Fact]
    public void A_persistent_reader_sees_no_end_between_writers()
    {
        NamedPipe.Create(_address).Dispose();
        using var reader = NamedPipe.Open(_address, IpcAccess.Read, persistent: true);
        var message = new MessageBuffer();
        foreach (var text in new[] { "first", "second", "third" })
        {
            using var writer = Shell($"echo {text} > {_address.Path}");
            Assert.True(reader.Receive(message));
            Assert.Equal(text, Encoding.UTF8.GetString(message.Payload.Span));
            writer.WaitForExit();
        }
    }

    [Fact]
    public async Task A_persistent_writer_goes_on_with_the_next_reader_and_half_delivers_nothing()
    {
        NamedPipe.Create(_address).Dispose();
        var first = NamedPipe.Open(_address, IpcAccess.Read);
        using var writer = NamedPipe.Open(_address, IpcAccess.Write, persistent: true);
        var sent = new byte[20_000];
        writer.Send(sent, Framed);
        var message = new MessageBuffer();
        Assert.True(first.Receive(message));
        first.Dispose();
        var sending = Task.Run(() => writer.Send(sent, Framed));
        using var second = NamedPipe.Open(_address, IpcAccess.Read);
        Assert.True(second.Receive(message));
        Assert.Equal(sent.Length, message.Length);
        await sending;
    }

    [Fact]
    public async Task Many_writers_keep_their_messages_whole()
    {
        const int Writers = 4;
        const int Each = 200;
        using var reader = NamedPipe.Create(_address);
        using var keep = NamedPipe.Open(_address, IpcAccess.Read);
        // Sizes on both sides of PIPE_BUF, so that whole writes and fragments of several writers mix.
        // All open before the first one sends: it could be done, and the end be there, before the last one begins.
        var open = Enumerable.Range(1, Writers).Select(w => (Number: w, Pipe: NamedPipe.Open(_address, IpcAccess.Write))).ToArray();
        var writers = open.Select(w => Task.Run(() =>
        {
            using var pipe = w.Pipe;
            for (var i = 0; i < Each; i++) pipe.Send(Enumerable.Repeat((byte)w.Number, 1 + (i * 97 % 20_000)).ToArray(), Framed);
        })).ToArray();
        var message = new MessageBuffer();
        var seen = new int[Writers + 1];
        for (var i = 0; i < Writers * Each; i++)
        {
            Assert.True(reader.Receive(message));
            var writer = message.Payload.Span[0];
            Assert.Equal(1 + (seen[writer]++ * 97 % 20_000), message.Length);
            Assert.Equal(-1, message.Payload.Span.IndexOfAnyExcept(writer));
        }
        await Task.WhenAll(writers);
    }

    [Fact]
    public void A_long_line_needs_the_pipe_for_itself()
    {
        using var pipe = NamedPipe.Create(_address);
        using var reader = NamedPipe.Open(_address, IpcAccess.Read);
        pipe.Send("short"u8, Text);
        var line = Encoding.ASCII.GetBytes(new string('x', 10_000));
        using (var other = NamedPipe.Open(_address, IpcAccess.Write))
        {
            var error = Assert.Throws<IpcException>(() => pipe.Send(line, Text));
            Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
            Assert.Contains("4096", error.Message, StringComparison.Ordinal);
        }
        pipe.Send(line, Text);
        var message = new MessageBuffer();
        Assert.True(reader.Receive(message));
        Assert.True(reader.Receive(message));
        Assert.Equal(10_000, message.Length);
    }

    [Fact]
    public void One_message_can_be_taken_and_the_rest_left_for_another_process()
    {
        using var keep = NamedPipe.Create(_address);
        using var open = NamedPipe.Open(_address, IpcAccess.Read);
        keep.Send("line"u8, Text);
        keep.Send(new byte[10], Framed);
        keep.Send(new byte[9000], Framed);
        keep.Send("last"u8, Text);
        var message = new MessageBuffer();
        foreach (var length in new[] { 4, 10, 9000, 4 })
        {
            using var once = NamedPipe.Open(_address, IpcAccess.Read);
            Assert.True(once.Receive(message, new ReceiveOptions { Exact = true }));
            Assert.Equal(length, message.Length);
        }
    }

    [Fact]
    public void A_writer_killed_in_the_middle_leaves_an_error_or_nothing_but_never_half_a_message()
    {
        using var reader = NamedPipe.Create(_address);
        // An envelope that promises 100 bytes and has 10.
        using (var writer = Shell($@"printf '\301\001\000\004\144\000\000\000ten bytes!' > {_address.Path}"))
        {
            var error = Assert.Throws<IpcException>(() => reader.Receive(new MessageBuffer()));
            Assert.Equal(IpcErrors.TruncatedMessage, error.Id);
            writer.WaitForExit();
        }
        Assert.False(reader.Receive(new MessageBuffer()));
        using (var writer = Shell($@"printf '\301\001\000\004\377\377\377\177' > {_address.Path}"))
        {
            var error = Assert.Throws<IpcException>(() => reader.Receive(new MessageBuffer()));
            Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
            writer.WaitForExit();
        }
    }

    [Fact]
    public void Waiting_for_a_fifo_ends_when_it_is_made()
    {
        var mechanism = IpcMechanisms.For(IpcScheme.Fifo);
        Assert.Equal(IpcErrors.Timeout,
            Assert.Throws<IpcException>(() => mechanism.WaitUntilExists(_address, Deadline.After(TimeSpan.FromMilliseconds(20)))).Id);
        using var maker = Shell($"mkfifo {_address.Path}");
        mechanism.WaitUntilExists(_address, default);
        Assert.True(Path.Exists(_address.Path));
        maker.WaitForExit();
    }

    private static Process Shell(string command) => Process.Start("/bin/sh", ["-c", command]);

    private static List<string> ReceiveAll(IpcChannel reader)
    {
        var message = new MessageBuffer();
        var all = new List<string>();
        while (reader.Receive(message)) all.Add(Encoding.UTF8.GetString(message.Payload.Span));
        return all;
    }
}
