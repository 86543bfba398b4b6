using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Rings;

/// <content>Sending: a message is written into the ring at once, or small messages are staged and written together.</content>
public sealed partial class MessageRing
{
    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        CheckSend(options);
        // The base class rejects it, or sends it in shared memory.
        if (payload.Length > MaxMessageSize - EnvelopeHeader.MaxSize) base.Send(payload, options, wait);
        else if (!options.NeedsEnvelope) Write(default, payload, wait);
        else WriteEnveloped(payload, options, wait);
    }

    internal override bool KeepsEnqueued => true;

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        if (payload.Length > LargestStaged)
        {
            Send(payload, options, wait);
            return;
        }
        CheckSend(options);
        EnterSend(wait);
        try
        {
            if (_staged > StageSize - LargestStaged - RingLayout.RecordHeader - EnvelopeHeader.MaxSize) FlushStage(wait);
            if (_stage.Length == 0) _stage = GC.AllocateUninitializedArray<byte>(StageSize);
            Stage(payload, options);
        }
        finally
        {
            _sendLock.Exit();
        }
    }

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default)
    {
        RequireSend();
        if (_staged == 0) return;
        Enter(_sendLock, wait, "a send on another thread", IpcErrors.Full);
        try
        {
            // Another thread may have sent them meanwhile, and have ended sending: then this end must not attach as a writer again.
            if (_staged > 0) FlushStage(wait);
        }
        finally
        {
            _sendLock.Exit();
        }
    }

    /// <summary>Ends sending. When no writer is left, readers receive the end of the stream.</summary>
    public override void CompleteSending()
    {
        RequireSend();
        EnterSend(default);
        try
        {
            _isComplete = true;
            _participant.DetachWriter();
        }
        finally
        {
            _sendLock.Exit();
        }
    }

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        if (packet.Length > MaxMessageSize) WriteParts(packet, wait);
        else Write(default, packet, wait);
    }

    // A message in shared memory has one receiver, so only a queue can carry it.
    private protected override bool Exceeds(long size)
    {
        if (size <= (_parts is null ? MaxMessageSize : MaxStreamMessage)) return false;
        return Delivery == RingDelivery.Queue ? true : throw TooLarge(size);
    }

    private void CheckSend(in SendOptions options)
    {
        RequireSend();
        if (options.Type != 0 || options.Priority is not null) throw Unsupported("message types and priorities");
        if (options.Handles is not null)
            throw new IpcException(IpcErrors.NotSupported, "A ring does not carry descriptors.", Address.Text)
            { Advice = IpcAdvice.UseUnixSocket };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterSend(in WaitOptions wait)
    {
        Enter(_sendLock, wait, "a send on another thread", IpcErrors.Full);
        if (_isComplete)
        {
            _sendLock.Exit();
            RequireSend();
        }
        if (!_participant.IsWriter) AttachWriter();
    }

    private void AttachWriter()
    {
        try
        {
            _participant.AttachWriter();
        }
        catch
        {
            _sendLock.Exit();
            throw;
        }
    }

    private void WriteEnveloped(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait)
    {
        Span<byte> header = stackalloc byte[EnvelopeHeader.MaxSize];
        Write(header[..EnvelopeHeader.For(options, payload.Length).Write(header)], payload, wait);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, in WaitOptions wait)
    {
        EnterSend(wait);
        try
        {
            if (_staged > 0) FlushStage(wait);
            Check(_writer.Send(header, payload, WaitsForPeers, wait), wait, messages: 1);
        }
        finally
        {
            _sendLock.Exit();
        }
    }

    /// <summary>Writes a message, with its envelope, in parts that have an envelope each. If that is not finished, readers drop it when
    /// the next one begins, or at the end of the stream.</summary>
    private void WriteParts(ReadOnlySpan<byte> packet, in WaitOptions wait)
    {
        Span<byte> header = stackalloc byte[EnvelopeHeader.MaxSize];
        // A reader copies one part while the next ones are written.
        var size = (int)(Capacity / 8);
        for (var offset = 0; offset < packet.Length; offset += size)
        {
            var part = packet[offset..Math.Min(packet.Length, offset + size)];
            var length = new EnvelopeHeader
            {
                Format = IpcFormat.Object,
                IsFragment = true,
                WriterId = _participant.Memory.Token,
                PayloadLength = part.Length,
                MessageLength = packet.Length,
                Offset = offset,
            }.Write(header);
            Write(header[..length], part, wait);
        }
    }

    /// <summary>Whether a message that was received is a whole one. A part is kept until the last one has come, which becomes the
    /// message.</summary>
    private bool IsWhole(MessageBuffer message)
    {
        var packet = message.Span;
        if (packet.Length == 0 || packet[0] != EnvelopeHeader.Marker) return true;
        if (!EnvelopeHeader.TryRead(packet, MaxStreamMessage, Address, out var header) || !header.IsFragment) return true;
        return _parts!.Add(header, packet[header.Size..], message, Address);
    }

    private void Stage(ReadOnlySpan<byte> payload, in SendOptions options)
    {
        var record = _stage.AsSpan(_staged);
        var length = options.NeedsEnvelope ? EnvelopeHeader.For(options, payload.Length).Write(record[RingLayout.RecordHeader..]) : 0;
        payload.CopyTo(record[(RingLayout.RecordHeader + length)..]);
        length += payload.Length;
        MemoryMarshal.Write(record, length);
        _staged += (int)RingLayout.RecordSize(length);
    }

    private void FlushStage(in WaitOptions wait)
    {
        ReadOnlySpan<byte> records = _stage.AsSpan(0, _staged);
        // If the wait ends before all are sent, the rest is dropped. The error says how many; none of them is sent later.
        _staged = 0;
        var outcome = _writer.SendMany(ref records, WaitsForPeers, wait);
        Check(outcome, wait, outcome == RingOutcome.Done ? 1 : Count(records));
    }

    private static int Count(ReadOnlySpan<byte> records)
    {
        var count = 0;
        for (; records.Length > 0; count++) records = records[(int)RingLayout.RecordSize(MemoryMarshal.Read<int>(records))..];
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(RingOutcome outcome, in WaitOptions wait, int messages)
    {
        if (outcome != RingOutcome.Done || _participant.Mapping.WasCut) throw Failed(outcome, wait, messages);
    }

    private IpcException Failed(RingOutcome outcome, in WaitOptions wait, int messages)
    {
        var unsent = messages == 1 ? "" : $"; {messages} messages were not sent";
        return outcome switch
        {
            RingOutcome.TimedOut =>
                IpcException.TimedOut($"buffer space on '{Address}'{unsent}", Address.Text, wait.Deadline, IpcErrors.Full),
            RingOutcome.NoPeers =>
                new IpcException(IpcErrors.PeerClosed, $"'{Address}' is full, and its last reader has detached{unsent}.", Address.Text),
            RingOutcome.Damaged => RingHeader.Damaged(Address, "its contents contradict each other"),
            _ => WasTruncated(),
        };
    }
}
