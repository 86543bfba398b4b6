using System.Buffers;

namespace IpcPs.Messaging;

/// <summary>A channel whose transport keeps message boundaries itself (queues, seqpacket and datagram sockets, rings): one message is one payload. Text,
/// Json and Bytes travel as they are; an Object travels in the same envelope as on a byte stream.</summary>
public abstract class MessageChannel : IpcChannel
{
    /// <summary>Creates the managed side of a channel.</summary>
    private protected MessageChannel(IpcAddress address, bool receivesOneByOne) : base(address, receivesOneByOne)
    {
    }

    /// <inheritdoc/>
    public override bool IsByteStream => false;

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        RequireSend();
        SendCounter.Sent();
        if (!options.NeedsEnvelope)
        {
            if (Exceeds(payload.Length)) throw TooLarge(payload.Length);
            SendPacket(payload, options, wait);
            return;
        }
        var header = EnvelopeHeader.For(options, payload.Length);
        var size = header.Size + payload.Length;
        if (Exceeds(size))
        {
            SendReference(payload, header, options, wait);
            return;
        }
        SendEnvelope(payload, header, options, wait);
    }

    private protected sealed override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        message.Clear();
        if (!ReceivePacket(message, options, wait)) return false;
        Unwrap(message, options);
        return true;
    }

    /// <summary>Takes the payload out of its envelope, where it came in one.</summary>
    private protected void Unwrap(MessageBuffer message, in ReceiveOptions options)
    {
        var packet = message.Span;
        if (options.Format is IpcFormat.Auto or IpcFormat.Object && packet.Length > 0 && packet[0] == EnvelopeHeader.Marker) OpenEnvelope(message, options);
    }

    /// <summary>Sends one payload as it is.</summary>
    private protected abstract void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait);

    /// <summary>Receives one payload as it is into the buffer, with what the transport knows of its sender.</summary>
    /// <returns>False when none can come any more.</returns>
    private protected abstract bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait);

    /// <summary>Whether a message of that size is more than the transport takes; overridden where asking costs.</summary>
    private protected virtual bool Exceeds(long size) => size > MaxMessageSize;

    /// <summary>What to do about a message that is too large; null where nothing can be done.</summary>
    private protected virtual (string? Text, IpcAdvice Advice) TooLargeHint => default;

    /// <summary>The exception for descriptors on a transport that has no room for them beside its bytes.</summary>
    private protected static IpcException NoDescriptors(IpcAddress address) =>
        new(IpcErrors.NotSupported, $"'{address}' does not carry descriptors: only unix sockets do.", address.Text) { Advice = IpcAdvice.UseUnixSocket };

    private void SendEnvelope(ReadOnlySpan<byte> payload, in EnvelopeHeader header, in SendOptions options, in WaitOptions wait)
    {
        var size = header.Size + payload.Length;
        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            payload.CopyTo(rented.AsSpan(header.Write(rented)));
            SendPacket(rented.AsSpan(0, size), options, wait);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Only Objects: what other programs are to understand goes as it is or not at all.
    private void SendReference(ReadOnlySpan<byte> payload, in EnvelopeHeader header, in SendOptions options, in WaitOptions wait)
    {
        if (options.Format != IpcFormat.Object) throw TooLarge(header.Size + payload.Length);
        if (payload.Length > MaxStreamMessage)
            throw new IpcException(IpcErrors.MessageTooLarge, $"An Object of {payload.Length} bytes is larger than the {MaxStreamMessage} that one may have.", Address.Text) { Advice = IpcAdvice.UseSharedMemory };
        using var large = LargeMessage.Create(payload, Address);
        var reference = large.Reference();
        var envelope = header with { IsReference = true, PayloadLength = reference.Length };
        if (Exceeds(envelope.Size + reference.Length)) throw TooLarge(header.Size + payload.Length);
        SendEnvelope(reference, envelope, options, wait);
        large.Delivered();
    }

    private void OpenEnvelope(MessageBuffer message, in ReceiveOptions options)
    {
        EnvelopeHeader header;
        try
        {
            if (!EnvelopeHeader.TryRead(message.Span, MaxStreamMessage, Address, out header) || header.IsFragment || header.Size + header.PayloadLength != message.Length)
                throw new IpcException(IpcErrors.InvalidData, $"A message on '{Address}' begins like an IpcPs envelope and has the wrong length.", Address.Text) { Advice = IpcAdvice.ReceiveBytes };
        }
        catch (IpcException) when (options.Format == IpcFormat.Auto)
        {
            // Another program's bytes that begin with the marker by chance: they are what they are, and must not be lost.
            return;
        }
        header.Describe(message);
        message.Skip(header.Size);
        if (header.IsReference) LargeMessage.Resolve(message, Address, options.Peek);
    }

    /// <summary>The exception for a message that the transport does not take.</summary>
    private protected virtual IpcException TooLarge(long size)
    {
        var (hint, advice) = TooLargeHint;
        return new(IpcErrors.MessageTooLarge, $"A message of {size} bytes is larger than the {MaxMessageSize} that '{Address}' takes.", Address.Text, hint) { Advice = advice };
    }
}
