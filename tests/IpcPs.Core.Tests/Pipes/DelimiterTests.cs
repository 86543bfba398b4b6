using System.Text;
using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Pipes;

/// <summary>Texts that end with something else than a line feed.</summary>
public sealed class DelimiterTests : IDisposable
{
    private readonly AnonymousPipe _pipe = AnonymousPipe.Create();

    public void Dispose() => _pipe.Dispose();

    [Theory]
    [InlineData(IpcDelimiter.Lf, "one two", "one two\n")]
    [InlineData(IpcDelimiter.CrLf, "one two", "one two\r\n")]
    [InlineData(IpcDelimiter.Nul, "one\ntwo\n", "one\ntwo\n\0")]
    public void A_text_ends_with_its_delimiter(IpcDelimiter delimiter, string text, string bytes)
    {
        Send(text, delimiter);
        Assert.Equal(bytes, Receive(new ReceiveOptions { Format = IpcFormat.Bytes }));
        // A long one is written at once.
        foreach (var sent in new[] { text, text + new string('x', 50_000), "" })
        {
            Send(sent, delimiter);
            Assert.Equal(sent, Receive(new ReceiveOptions { Delimiter = delimiter }));
        }
    }

    [Fact]
    public void A_receiver_of_CRLF_takes_LF_too_and_one_of_LF_keeps_the_CR()
    {
        _pipe.Writer.Send("a\r\nb\nc\r\nd\0e\r"u8);
        Assert.Equal("a", Receive(new ReceiveOptions { Delimiter = IpcDelimiter.CrLf }));
        Assert.Equal("b", Receive(new ReceiveOptions { Delimiter = IpcDelimiter.CrLf }));
        Assert.Equal("c\r", Receive(default));
        // The search for a line feed found none.
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => Receive(default)).Id);
        Assert.Equal("d", Receive(new ReceiveOptions { Delimiter = IpcDelimiter.Nul }));
        _pipe.Writer.Dispose();
        Assert.Equal("e", Receive(new ReceiveOptions { Delimiter = IpcDelimiter.CrLf }));
    }

    [Theory]
    [InlineData(IpcDelimiter.Lf, "one\ntwo", "line break")]
    [InlineData(IpcDelimiter.CrLf, "one\ntwo", "line break")]
    [InlineData(IpcDelimiter.Nul, "one\0two", "NUL")]
    public void A_text_with_the_delimiter_in_it_is_refused(IpcDelimiter delimiter, string text, string what)
    {
        var error = Assert.Throws<IpcException>(() => Send(text, delimiter));
        Assert.Equal((IpcErrors.InvalidArgument, IpcAdvice.SendLines), (error.Id, error.Advice));
        Assert.Equal($"The text of 7 bytes contains a {what}, which ends a message on the byte stream '{_pipe.Writer.Address}'.",
            error.Message);
    }

    private void Send(string text, IpcDelimiter delimiter)
    {
        _pipe.Writer.Send(Encoding.UTF8.GetBytes(text), new SendOptions { Format = IpcFormat.Text, Delimiter = delimiter });
    }

    private string Receive(ReceiveOptions options)
    {
        var message = new MessageBuffer();
        Assert.True(_pipe.Reader.Receive(message, options, Deadline.Immediate));
        return Encoding.UTF8.GetString(message.Payload.Span);
    }
}
