using System.Text;
using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Pipes;

/// <summary>Bytes in a pipe that are not a message: the rest of one that another reader began, or another program's.</summary>
public sealed class TornMessageTests : IDisposable
{
    private static readonly SendOptions Framed = new() { Framed = true };
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private readonly IpcAddress _address = IpcAddress.Parse($"fifo:test-{Guid.NewGuid():N}");
    private readonly NamedPipe _reader;
    private readonly NamedPipe _writer;

    public TornMessageTests()
    {
        NamedPipe.Create(_address).Dispose();
        _reader = NamedPipe.Open(_address, IpcAccess.Read, persistent: true);
        _writer = NamedPipe.Open(_address, IpcAccess.Write);
    }

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
        File.Delete(_address.Path!);
    }

    [Theory]
    [InlineData(4096, "IpcInvalidData A message of 20000 bytes on '*' was skipped, because an earlier part of it was not received here.")]
    [InlineData(50, "IpcInvalidData 4046 bytes on '*' were skipped, because they are not a message: most likely the end of one whose "
        + "beginning another reader received.|IpcInvalidData A message of 20000 bytes on '*' was skipped, because an earlier part of it "
        + "was not received here.")]
    public void The_rest_of_a_large_message_is_reported_and_skipped(int taken, string errors)
    {
        _writer.Send(Enumerable.Repeat((byte)'x', 20_000).ToArray(), Framed);
        _writer.Send("after"u8, Framed);
        using (var other = File.OpenRead(_address.Path!)) other.ReadExactly(new byte[taken]);
        Assert.Equal($"{errors}|after", Next());
        _writer.Send("last"u8, Text);
        Assert.Equal("last", Next());
        Assert.Equal(0, _reader.AbandonedMessages);
    }

    [Fact]
    public void Foreign_bytes_are_reported_once_and_skipped_up_to_the_next_envelope_or_line_of_text()
    {
        const string Unknown =
            "IpcInvalidData A message on '*' begins like an IpcPs envelope but is not a valid one: version 2 is unknown.";
        Write([0xC1, 2, .. "junk\n"u8]);
        _writer.Send("good"u8, Framed);
        Assert.Equal($"{Unknown}|good", Next());
        // Lines that are not text, an envelope that no write to a pipe can contain, and no line break before the next envelope.
        Write([0xC1, 2, .. "a\nb\0c\n"u8, 0xC1, 0xC1, 0xC1, 1, 0, 1, 0, 0, 1, 0, .. "d\n"u8, 0xFF, .. "\n..."u8]);
        _writer.Send("good"u8, Framed);
        Assert.Equal($"{Unknown}|good", Next());
        Write([0xC1, 2, .. "a\nb\0c\nplain\n"u8]);
        Assert.Equal($"{Unknown}|plain", Next());
        Write([.. "latin-1 "u8, 0xC1, (byte)'\n', 0xC1, 1]);
        Assert.Equal(9, Receive().Length);
        Write([0, 2, 2, 0, 0, 0, .. "ok"u8]);
        Assert.Equal("ok", Next());
        Assert.Equal(IpcErrors.Empty, Assert.Throws<IpcException>(() => Receive()).Id);
    }

    [Fact]
    public void A_receiver_of_objects_reports_a_line_once()
    {
        Write("one\ntwo\n"u8.ToArray());
        _writer.Send("object"u8, new SendOptions { Format = IpcFormat.Object });
        Assert.Equal($"IpcFormatMismatch A message on '*' is not in format Object: it has no IpcPs envelope.|object",
            Next(new ReceiveOptions { Format = IpcFormat.Object }));
    }

    [Fact]
    public void An_unfinished_message_takes_the_memory_of_the_bytes_that_came()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var writer = 1; writer <= 200; writer++) Write(Fragment((ulong)writer, IpcChannel.MaxStreamMessage, 0, 1));
        _writer.Send("whole"u8, Framed);
        Assert.Equal("whole", Next());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8_000_000);
    }

    /// <summary>The assembler itself: as much through a pipe takes seconds.</summary>
    [Fact]
    public void Unfinished_messages_of_one_pipe_have_together_no_more_bytes_than_one_may_have()
    {
        const int Writers = 70, Each = 4_000_000;
        var fragments = new FragmentAssembler();
        var payload = new byte[Each];
        for (var writer = 1; writer <= Writers; writer++)
        {
            var header = new EnvelopeHeader { IsFragment = true, WriterId = (ulong)writer, MessageLength = Each + 1, PayloadLength = Each };
            Assert.False(fragments.Add(header, payload, new MessageBuffer(), _address));
        }
        Assert.Equal(Writers - IpcChannel.MaxStreamMessage / Each, fragments.Abandoned);
        Assert.Equal(IpcChannel.MaxStreamMessage / Each * Each, fragments.Bytes);
    }

    private static byte[] Fragment(ulong writer, int message, int offset, int payload)
    {
        var bytes = new byte[EnvelopeHeader.FixedSize + EnvelopeHeader.FragmentSize + payload];
        new EnvelopeHeader
        {
            Format = IpcFormat.Bytes,
            IsFragment = true,
            WriterId = writer,
            MessageLength = message,
            Offset = offset,
            PayloadLength = payload,
        }.Write(bytes);
        return bytes;
    }

    private void Write(byte[] bytes) => _writer.Send(bytes);

    private MessageBuffer Receive(ReceiveOptions options = default)
    {
        var message = new MessageBuffer();
        Assert.True(_reader.Receive(message, options, Deadline.Immediate));
        return message;
    }

    /// <summary>The next message, after the errors that came before it.</summary>
    private string Next(ReceiveOptions options = default)
    {
        var errors = new StringBuilder();
        while (true)
        {
            try
            {
                return errors + Encoding.UTF8.GetString(Receive(options).Payload.Span);
            }
            catch (IpcException e) when (e.IsOfOneMessage)
            {
                errors.Append($"{e.Id} {e.Message.Replace(_address.Text, "*", StringComparison.Ordinal)}|");
            }
        }
    }
}
