using System.Buffers;
using System.Security.Cryptography;

namespace IpcPs.Messaging;

/// <summary>Writes messages to a byte stream. A write is never larger than the kernel's atomic write (PIPE_BUF on a pipe) and ends where
/// a message, or a fragment, ends. So several writers can share a pipe, and one that is killed leaves no partial write.</summary>
internal sealed class StreamSender(StreamChannel channel, int atomicWrite)
{
    /// <summary>PIPE_BUF: the kernel never mixes a write of at most so many bytes to a pipe with another one (pipe(7)).</summary>
    public const int MaxPipeWrite = 4096;

    // Pipes: PIPE_BUF, which is also the fastest size across cores. Others: a size that makes good use of a system call.
    private readonly int _capacity = Math.Min(atomicWrite, 64 * 1024);
    private readonly bool _writesFragments = atomicWrite < int.MaxValue;
    private byte[] _pending = [];
    private int _length;
    private int _count;
    private IpcException? _broken;
    private ulong _writerId;

    /// <summary>Adds a message to the pending ones; writes them when they fill the buffer.</summary>
    public void Add(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait)
    {
        ThrowIfBroken();
        if (options.Type != 0 || options.Priority is not null) throw Unsupported("message types and priorities", IpcAdvice.UseQueue);
        if (payload.Length > channel.MaxMessageSize) throw TooLarge(payload.Length);
        if (_pending.Length == 0) _pending = ArrayPool<byte>.Shared.Rent(_capacity);
        if (options.NeedsEnvelope) AddEnvelope(payload, options, wait);
        else if (options.Format is IpcFormat.Text or IpcFormat.Json) AddLine(payload, options, wait);
        else AddBytes(payload, options, wait);
    }

    /// <summary>Writes the pending messages.</summary>
    public void Flush(in WaitOptions wait)
    {
        if (_length == 0) return;
        ThrowIfBroken();
        // If the wait fails, the pending messages are dropped: the exception says that they were not sent, so they must not be sent later.
        var length = _length;
        var count = _count;
        _length = _count = 0;
        WriteAll(_pending.AsSpan(0, length), default, count, wait);
    }

    /// <summary>Returns an empty buffer to the pool.</summary>
    public void Trim()
    {
        if (_length > 0 || _pending.Length == 0) return;
        ArrayPool<byte>.Shared.Return(_pending);
        _pending = [];
    }

    private void AddEnvelope(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait)
    {
        var header = EnvelopeHeader.For(options, payload.Length);
        var size = header.Size + payload.Length;
        if (size > _capacity)
        {
            Flush(wait);
            if (_writesFragments) WriteFragments(payload, header, wait);
            else WriteLarge(payload, header, options, wait);
            return;
        }
        if (_length + size > _capacity || options.Handles is not null) Flush(wait);
        var at = _length + header.Write(_pending.AsSpan(_length));
        payload.CopyTo(_pending.AsSpan(at));
        if (options.Handles is not null)
        {
            WriteAll(_pending.AsSpan(0, at + payload.Length), options, 1, wait);
            return;
        }
        _length = at + payload.Length;
        _count++;
    }

    private void AddLine(ReadOnlySpan<byte> line, in SendOptions options, in WaitOptions wait)
    {
        var end = options.Delimiter.Bytes();
        if (line.Contains(options.Delimiter.LastByte()))
        {
            var what = options.Delimiter == IpcDelimiter.Nul ? "NUL" : "line break";
            throw new IpcException(
                IpcErrors.InvalidArgument,
                $"The text of {line.Length} bytes contains a {what}, which ends a message on the byte stream '{channel.Address}'.",
                channel.Address.Text, "Send it as it is with format Bytes, its lines one by one, or use format Object or Json.")
            { Advice = IpcAdvice.SendLines };
        }
        var size = line.Length + end.Length;
        if (_length + size > _capacity || options.Handles is not null) Flush(wait);
        if (size <= _capacity && options.Handles is null)
        {
            line.CopyTo(_pending.AsSpan(_length));
            end.CopyTo(_pending.AsSpan(_length + line.Length));
            _length += size;
            _count++;
            return;
        }
        using var alone = size > _capacity ? channel.BeginLongWrite(size) : null;
        var whole = GC.AllocateUninitializedArray<byte>(size);
        line.CopyTo(whole);
        end.CopyTo(whole.AsSpan(line.Length));
        WriteAll(whole, options, 1, wait);
    }

    private void AddBytes(ReadOnlySpan<byte> bytes, in SendOptions options, in WaitOptions wait)
    {
        if (bytes.Length <= _capacity && options.Handles is null)
        {
            if (_length + bytes.Length > _capacity) Flush(wait);
            bytes.CopyTo(_pending.AsSpan(_length));
            _length += bytes.Length;
            _count++;
            return;
        }
        Flush(wait);
        if (bytes.IsEmpty)
            throw IpcException.Argument("On a byte stream an empty message cannot carry descriptors.", channel.Address.Text);
        WriteAll(bytes, options, 1, wait);
    }

    private void WriteFragments(ReadOnlySpan<byte> payload, EnvelopeHeader whole, in WaitOptions wait)
    {
        if (_writerId == 0) _writerId = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;
        var offset = 0;
        while (offset < payload.Length)
        {
            var header = whole with { IsFragment = true, WriterId = _writerId, MessageLength = payload.Length, Offset = offset };
            var length = Math.Min(payload.Length - offset, _capacity - header.Size);
            var at = (header with { PayloadLength = length }).Write(_pending);
            payload.Slice(offset, length).CopyTo(_pending.AsSpan(at));
            // If the wait fails, the message stays incomplete. The receiver drops it when this writer's next one begins.
            WriteAll(_pending.AsSpan(0, at + length), default, 1, wait);
            offset += length;
        }
    }

    private void WriteLarge(ReadOnlySpan<byte> payload, EnvelopeHeader header, in SendOptions options, in WaitOptions wait)
    {
        var at = header.Write(_pending);
        var first = Math.Min(payload.Length, _capacity - at);
        payload[..first].CopyTo(_pending.AsSpan(at));
        WriteAll(_pending.AsSpan(0, at + first), options, 1, wait);
        WriteRest(payload[first..], 1, wait);
    }

    private void WriteAll(ReadOnlySpan<byte> bytes, in SendOptions options, int messages, in WaitOptions wait)
    {
        var written = WriteSome(bytes, options, messages, wait);
        if (written < bytes.Length) WriteRest(bytes[written..], messages, wait);
    }

    private void WriteRest(ReadOnlySpan<byte> bytes, int messages, in WaitOptions wait)
    {
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[WriteSome(bytes, default, messages, wait)..];
        }
        catch (Exception e)
        {
            _broken = e as IpcException ?? Broken();
            throw;
        }
    }

    private int WriteSome(ReadOnlySpan<byte> bytes, in SendOptions options, int messages, in WaitOptions wait)
    {
        SendCounter.Sent();
        while (true)
        {
            var descriptor = channel.WriterDescriptor(wait);
            try
            {
                var written = channel.TryWrite(bytes, options);
                return written >= 0 ? written : WaitAndWrite(bytes, options, messages, descriptor, wait);
            }
            catch (IpcException e) when (e.Id == IpcErrors.PeerClosed && channel.ReconnectsWriter(wait))
            {
                // There is a new reader. No byte was written to the old one, so all are written again.
            }
        }
    }

    private unsafe int WaitAndWrite(
        ReadOnlySpan<byte> bytes, in SendOptions options, int messages, SafeDescriptor descriptor, in WaitOptions wait)
    {
        fixed (byte* first = bytes)
        {
            var attempt = new WriteAttempt(channel, first, bytes.Length, options);
            if (Waiter.UntilWritableSlow(ref attempt, descriptor, wait, channel.Closing)) return attempt.Written;
            var unsent = messages == 1 ? "" : $"; {messages} messages were not sent";
            var what = $"buffer space on '{channel.Address}'{unsent}";
            throw IpcException.TimedOut(what, channel.Address.Text, wait.Deadline, IpcErrors.Full);
        }
    }

    private void ThrowIfBroken()
    {
        if (_broken is null) return;
        // That the peer has gone stays the reason. Anything else left a part of a message in the stream.
        throw _broken.Id == IpcErrors.PeerClosed ? new IpcException(_broken.Id, _broken.Message, _broken.Target) : Broken();
    }

    private IpcException Broken() =>
        new(IpcErrors.Closed,
            $"An earlier send on '{channel.Address}' failed in the middle of a message: the receiver could not find the next one.",
            channel.Address.Text, "Close it and open it again.");

    private IpcException Unsupported(string what, IpcAdvice advice) =>
        new(IpcErrors.NotSupported, $"'{channel.Address}' ({channel.Kind}) is a byte stream: it has no {what}.", channel.Address.Text)
        { Advice = advice };

    private IpcException TooLarge(long bytes) =>
        new(IpcErrors.MessageTooLarge, $"A message of {bytes} bytes is larger than the limit of {channel.MaxMessageSize}.",
            channel.Address.Text, "Send it in parts, or pass it in shared memory.")
        { Advice = IpcAdvice.UseSharedMemory };

    private unsafe struct WriteAttempt(StreamChannel channel, byte* bytes, int length, SendOptions options) : IAttempt
    {
        public int Written { get; private set; }

        public bool TryOnce() => (Written = channel.TryWrite(new ReadOnlySpan<byte>(bytes, length), options)) >= 0;
    }
}
