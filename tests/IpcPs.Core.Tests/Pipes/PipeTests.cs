using System.Text;
using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Pipes;

public class PipeTests
{
    private static readonly SendOptions Framed = new() { Framed = true };

    [Fact]
    public void Messages_arrive_whole_and_in_order()
    {
        using var pipe = AnonymousPipe.Create();
        var message = new MessageBuffer();
        foreach (var size in new[] { 0, 1, 100, 4000, 4088, 4089, 5000, 50_000 })
        {
            var sent = Enumerable.Range(0, size).Select(static i => (byte)i).ToArray();
            pipe.Send(sent, Framed);
            Assert.True(pipe.Receive(message));
            Assert.Equal(IpcFormat.Bytes, message.Format);
            Assert.Equal(sent, message.Payload.ToArray());
        }
    }

    [Fact]
    public void The_end_comes_when_the_last_writer_is_gone_and_not_before_what_it_sent()
    {
        using var pipe = AnonymousPipe.Create();
        pipe.Send("one"u8, new SendOptions { Format = IpcFormat.Text });
        pipe.Send("two"u8, new SendOptions { Format = IpcFormat.Text });
        pipe.Writer.Dispose();
        var message = new MessageBuffer();
        Assert.True(pipe.Receive(message));
        Assert.Equal("one", Encoding.UTF8.GetString(message.Payload.Span));
        Assert.True(pipe.Receive(message));
        Assert.False(pipe.Receive(message));
        Assert.False(pipe.Receive(message));
    }

    [Fact]
    public void Sending_to_nobody_says_so()
    {
        using var pipe = AnonymousPipe.Create();
        pipe.Reader.Dispose();
        Assert.Equal(IpcErrors.PeerClosed, Assert.Throws<IpcException>(() => pipe.Send("x"u8, Framed)).Id);
    }

    [Fact]
    public void A_full_pipe_waits_until_the_deadline_or_cancellation_or_not_at_all()
    {
        using var pipe = AnonymousPipe.Create();
        var block = new byte[4000];
        var error = Assert.Throws<IpcException>(() =>
        {
            for (var i = 0; i < int.MaxValue; i++) pipe.Send(block, Framed, Deadline.Immediate);
        });
        Assert.Equal(IpcErrors.Full, error.Id);
        error = Assert.Throws<IpcException>(() => pipe.Send(block, Framed, Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        Assert.Contains("0.02 s", error.Message, StringComparison.Ordinal);
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => pipe.Send(block, Framed, cancel.Token));
    }

    [Fact]
    public void Closing_ends_a_wait_on_another_thread()
    {
        using var pipe = AnonymousPipe.Create();
        using var waiting = new ManualResetEventSlim();
        var receive = Task.Run(() =>
        {
            waiting.Set();
            pipe.Reader.Receive(new MessageBuffer());
        });
        waiting.Wait();
        pipe.Reader.Dispose();
        Assert.Equal(IpcErrors.Closed, Assert.ThrowsAny<IpcException>(receive.GetAwaiter().GetResult).Id);
    }
}
