using System.Buffers;
using System.Diagnostics;
using IpcPs.Readiness;

namespace IpcPs.Messaging;

/// <summary>Cuts a byte stream into messages: envelopes by their header, lines at their line break, Bytes as they are read.</summary>
/// <remarks>A connection has one writer, and a message that is not valid makes the rest worthless. A pipe or FIFO may have several writers
/// and several readers, one after the other. There the receiver reports the bytes that are not a message once, and goes on with the next
/// message: see <see cref="FindMessage"/>.</remarks>
internal sealed partial class StreamReceiver(StreamChannel channel)
{
    // Larger buffers do not come from the pool, which would round them up and keep them.
    private const int MaxPooled = 1024 * 1024;

    // A read of fewer bytes than this means that the reader of a stream has caught up with the writer. It then lets messages gather
    // before the next read, because each read holds the writer up.
    private const int SmallRead = 2048;
    private static readonly long GatherTime = Stopwatch.Frequency * 8 / 1_000_000;    // 8 us

    private readonly FragmentAssembler _fragments = new();
    private readonly UnfinishedBytes _unfinished = new(channel.Address);
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _searched;
    private bool _ended;
    private bool _lastReadWasSmall;
    private bool _continues;
    private AdaptiveWait _adaptiveWait = AdaptiveWait.InConversations;

    public long Abandoned => _fragments.Abandoned;

    /// <summary>Bytes of the stream, from its beginning, up to the end of the last received message.</summary>
    public long Position { get; private set; }

    /// <summary>Whether bytes were read that no received message contains. They may include a whole message.</summary>
    public bool HasUnread => _start < _end;

    private ReadOnlySpan<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    public bool Receive(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        message.Clear();
        while (true)
        {
            if (_start < _end && TryTake(message, options))
            {
                channel.Describe(message);
                return true;
            }
            if (!_ended) Fill(options, wait);
            else if (TakeLast(message, options)) return true;
            else if (!_continues) return false;
        }
    }

    /// <summary>Receives a message if one has arrived; never waits.</summary>
    public ReceiveOutcome TryReceive(MessageBuffer message, in ReceiveOptions options)
    {
        message.Clear();
        while (true)
        {
            if (_start < _end && TryTake(message, options))
            {
                channel.Describe(message);
                return ReceiveOutcome.Message;
            }
            if (_ended)
            {
                if (TakeLast(message, options)) return ReceiveOutcome.Message;
                if (!_continues) return ReceiveOutcome.Ended;
                continue;
            }
            var read = channel.TryRead(PrepareRead(options));
            if (read < 0) return ReceiveOutcome.Nothing;
            Arrived(read);
        }
    }

    /// <summary>Whether what was read already contains a message, or the end of the stream.</summary>
    public ReadyState Ready()
    {
        if (_start == _end) return _ended && !_continues ? ReadyState.Ended : ReadyState.None;
        if (_ended) return ReadyState.Message;
        if (_buffer[_start] != EnvelopeHeader.Marker)
            return Unread.IndexOfAny((byte)'\n', (byte)0) >= 0 ? ReadyState.Message : ReadyState.None;
        // What is not a header is an error, which the receive reports at once.
        if (!EnvelopeHeader.TryRead(Unread, (int)channel.MaxMessageSize, out var header, out var problem))
            return problem.Why is null ? ReadyState.None : ReadyState.Message;
        return Unread.Length >= header.Size + header.PayloadLength ? ReadyState.Message : ReadyState.None;
    }

    /// <summary>Waits for bytes, which the next receive gets.</summary>
    /// <returns>Whether they begin with an envelope; null at the end of the stream.</returns>
    public bool? BeginsWithEnvelope(in WaitOptions wait)
    {
        while (_start == _end)
        {
            if (!_ended) Fill(default, wait);
            if (!_ended) continue;
            _ended = !_continues;
            if (_ended) return null;
        }
        return _buffer[_start] == EnvelopeHeader.Marker;
    }

    /// <summary>Returns an empty buffer to the pool. Otherwise thousands of idle connections would each keep one.</summary>
    public void Trim()
    {
        if (_start < _end || _buffer.Length == 0) return;
        Return(_buffer);
        _buffer = [];
        _start = _end = _searched = 0;
    }

    /// <summary>Drops everything: the channel is closed.</summary>
    public void Drop()
    {
        _start = _end;
        Trim();
        _fragments.DropAll();
        _unfinished.Set(0);
    }

    private bool TryTake(MessageBuffer message, in ReceiveOptions options)
    {
        if (options.Format == IpcFormat.Bytes)
        {
            message.Set(Unread);
            message.Format = IpcFormat.Bytes;
            Consume(_end - _start);
            return true;
        }
        if (_isLost && !FindMessage(options)) return false;
        if (_buffer[_start] == EnvelopeHeader.Marker && TryTakeEnvelope(message)) return true;
        return _start < _end && _buffer[_start] != EnvelopeHeader.Marker && TryTakeLine(message, options);
    }

    private bool TryTakeEnvelope(MessageBuffer message)
    {
        while (_start < _end && _buffer[_start] == EnvelopeHeader.Marker)
        {
            if (!TryReadHeader(out var header)) return false;
            if (Unread.Length < header.Size + header.PayloadLength) return false;
            var payload = Unread.Slice(header.Size, header.PayloadLength);
            Consume(header.Size + header.PayloadLength);
            if (!header.IsFragment) message.Set(payload);
            else if (!_fragments.Add(header, payload, message, channel.Address)) continue;
            header.Describe(message);
            return true;
        }
        return false;
    }

    private bool TryTakeLine(MessageBuffer message, in ReceiveOptions options)
    {
        if (options.Format == IpcFormat.Object)
        {
            throw new IpcException(
                IpcErrors.FormatMismatch, $"A message on '{channel.Address}' is not in format Object: it has no IpcPs envelope.",
                channel.Address.Text, "Receive with format Text, Json or Bytes.")
            { Advice = IpcAdvice.SetFormat, IsOfOneMessage = Lose() };
        }
        var end = FindLineEnd(options.Delimiter);
        if (end < 0)
        {
            if (_searched > channel.MaxMessageSize)
            {
                throw new IpcException(
                    IpcErrors.MessageTooLarge, $"A line on '{channel.Address}' is longer than the limit of {channel.MaxMessageSize} bytes.",
                    channel.Address.Text, "Receive with format Bytes.")
                { Advice = IpcAdvice.ReceiveBytes, IsOfOneMessage = Lose() };
            }
            return false;
        }
        message.Set(options.Delimiter.TextOf(Unread[..end]));
        Consume(end + 1);
        return true;
    }

    /// <summary>Receives the rest of an ended stream. The last line may lack its line break; anything else is truncated.</summary>
    private bool TakeLast(MessageBuffer message, in ReceiveOptions options)
    {
        if (_isLost) Consume(_end - _start);
        _isLost = false;
        var left = _end - _start;
        if (left > 0 && _buffer[_start] != EnvelopeHeader.Marker && options.Format != IpcFormat.Object)
        {
            message.Set(options.Delimiter.TextOf(Unread));
            Consume(left);
            channel.Describe(message);
            return true;
        }
        Consume(left);
        var unfinished = left + _fragments.DropAll();
        // An incomplete message is reported first, the end by the next receive. A FIFO may get a new writer instead.
        _ended = unfinished > 0 && !_continues;
        if (!_ended) return false;
        throw new IpcException(
            IpcErrors.TruncatedMessage,
            $"The peer of '{channel.Address}' closed or exited in the middle of a message, of which {unfinished} bytes had arrived.",
            channel.Address.Text)
        { IsOfOneMessage = true };
    }

    private void Fill(in ReceiveOptions options, in WaitOptions wait)
    {
        var descriptor = channel.ReaderDescriptor(wait);
        var target = PrepareRead(options);
        if (_lastReadWasSmall && _adaptiveWait.ReadsStream && channel.ReadsExcludeWrites && !wait.Deadline.IsImmediate)
            Waiter.Pause(GatherTime);
        int read;
        unsafe
        {
            fixed (byte* into = target)
            {
                var attempt = new ReadAttempt(channel, into, target.Length);
                if (!Waiter.Until(ref attempt, descriptor, ref _adaptiveWait, wait, channel.Closing))
                    throw IpcException.TimedOut($"a message on '{channel.Address}'", channel.Address.Text, wait.Deadline, IpcErrors.Empty);
                read = attempt.Read;
            }
        }
        _lastReadWasSmall = read < SmallRead;
        Arrived(read);
    }

    private void Arrived(int read)
    {
        _end += read;
        if (read > 0)
        {
            Count();
            return;
        }
        _ended = true;
        _continues = channel.ContinuesAfterEnd();
    }

    private Span<byte> PrepareRead(in ReceiveOptions options)
    {
        if (_start == _end) _start = _end = _searched = 0;
        var wanted = options.Exact ? BytesOfThisMessage(options) : channel.ReadSize;
        if (_buffer.Length - _end < wanted)
        {
            // Unread bytes move to the front before the buffer grows, so that only a message larger than one read makes it grow.
            var length = _end - _start;
            var target = _buffer.Length - length >= wanted
                ? _buffer
                : Rent(Math.Max(wanted + length, (int)Math.Min(_buffer.Length * 2L, Array.MaxLength)));
            Unread.CopyTo(target);
            if (target != _buffer) Return(_buffer);
            _buffer = target;
            _start = 0;
            _end = length;
        }
        return _buffer.AsSpan(_end, wanted);
    }

    /// <summary>How many bytes to read at most within this message: the rest of the header, then of the payload; 1 for a line.</summary>
    private int BytesOfThisMessage(in ReceiveOptions options)
    {
        if (options.Format == IpcFormat.Bytes) return channel.ReadSize;
        var have = Unread;
        if (have.Length == 0 || have[0] != EnvelopeHeader.Marker) return 1;
        if (have.Length < EnvelopeHeader.FixedSize) return EnvelopeHeader.FixedSize - have.Length;
        if (TryReadHeader(out var header))
            return Math.Clamp(header.Size + header.PayloadLength - have.Length, 1, channel.ReadSize);
        return EnvelopeHeader.SizeFromFlags(have[2]) - have.Length;
    }

    private void Consume(int bytes)
    {
        _start += bytes;
        Position += bytes;
        _searched = 0;
        if (_unfinished.IsCounted) Count();
    }

    private void Count() => _unfinished.Set(_end - _start + _fragments.Bytes);

    private static byte[] Rent(int size) =>
        size <= MaxPooled ? ArrayPool<byte>.Shared.Rent(size) : MessageBuffer.Allocate(size);

    private static void Return(byte[] buffer)
    {
        if (buffer.Length is > 0 and <= MaxPooled) ArrayPool<byte>.Shared.Return(buffer);
    }

    private unsafe struct ReadAttempt(StreamChannel channel, byte* into, int length) : IAttempt
    {
        public int Read { get; private set; }

        public bool TryOnce() => (Read = channel.TryRead(new Span<byte>(into, length))) >= 0;
    }
}
