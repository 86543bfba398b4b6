using System.Buffers;

namespace IpcPs.Messaging;

/// <summary>A channel whose transport keeps message boundaries (queues, seqpacket and datagram sockets, rings). Text, Json and Bytes
/// travel as they are; an Object travels in the same envelope as on a byte stream.</summary>
public abstract partial class MessageChannel : IpcChannel
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
        while (true)
        {
            message.Clear();
            if (TakeKept(message, options)) return true;
            if (!ReceivePacket(message, options, wait)) return false;
            try
            {
                Unwrap(message, options);
                return true;
            }
            catch (IpcException e) when (!IsShortage(e))
            {
                e.IsOfOneMessage = true;
                if (!TryReject(message, e)) throw;
            }
        }
    }

    /// <summary>Removes the message's envelope, if it has one.</summary>
    private protected void Unwrap(MessageBuffer message, in ReceiveOptions options)
    {
        var packet = message.Span;
        if (options.Format is IpcFormat.Auto or IpcFormat.Object && packet.Length > 0 && packet[0] == EnvelopeHeader.Marker)
            OpenEnvelope(message, options);
    }

    /// <summary>Sends one packet of the transport.</summary>
    private protected abstract void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait);

    /// <summary>Receives one packet of the transport into the buffer, with what the transport knows about its sender.</summary>
    /// <returns>False at the end of the stream.</returns>
    private protected abstract bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait);

    /// <summary>Whether the transport's limit is less than that size; overridden if reading the limit is expensive.</summary>
    private protected virtual bool Exceeds(long size) => size > MaxMessageSize;

    /// <summary>Sockets: whether the server receives what is sent here.</summary>
    private protected virtual bool SendsToServer => false;

    /// <summary>Whether a packet, or its first bytes, is an envelope with a reference to a large message.</summary>
    internal static bool IsReference(ReadOnlySpan<byte> packet) =>
        packet.Length > 0 && packet[0] == EnvelopeHeader.Marker
        && EnvelopeHeader.TryRead(packet, MaxStreamMessage, out var header, out _) && header.IsReference;

    /// <summary>Removes the segment of a packet that will not be received, if it has one.</summary>
    internal static void Discard(ReadOnlySpan<byte> packet, IpcAddress address)
    {
        if (IsReference(packet)) LargeMessage.Discard(packet[EnvelopeHeader.SizeFromFlags(packet[2])..], address);
    }

    /// <summary>What to do about a message that is too large; null if nothing can be done.</summary>
    private protected virtual (string? Text, IpcAdvice Advice) TooLargeHint => default;

    /// <summary>The exception for descriptors on a transport that cannot carry them.</summary>
    private protected static IpcException NoDescriptors(IpcAddress address) =>
        new(IpcErrors.NotSupported, $"'{address}' does not carry descriptors: only unix sockets do.", address.Text)
        { Advice = IpcAdvice.UseUnixSocket };

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

    // Only Objects: other formats are for programs that don't know IpcPs, and could not read the segment.
    private void SendReference(ReadOnlySpan<byte> payload, in EnvelopeHeader header, in SendOptions options, in WaitOptions wait)
    {
        if (options.Format != IpcFormat.Object) throw TooLarge(header.Size + payload.Length);
        if (payload.Length > MaxStreamMessage)
        {
            throw new IpcException(
                IpcErrors.MessageTooLarge, $"An Object of {payload.Length} bytes is larger than the {MaxStreamMessage} that one may have.",
                Address.Text)
            { Advice = IpcAdvice.UseSharedMemory };
        }
        using var large = LargeMessage.Create(payload, Address, SendsToServer);
        var reference = large.Reference();
        if (Exceeds(header.Size + reference.Length)) throw TooLarge(header.Size + payload.Length);
        SendEnvelope(reference, header with { IsReference = true, PayloadLength = reference.Length }, options, wait);
        large.MarkDelivered();
    }

    private void OpenEnvelope(MessageBuffer message, in ReceiveOptions options)
    {
        EnvelopeHeader header;
        try
        {
            if (!EnvelopeHeader.TryRead(message.Span, MaxStreamMessage, Address, out header) || header.IsFragment
                || header.Size + header.PayloadLength != message.Length)
            {
                throw new IpcException(
                    IpcErrors.InvalidData, $"A message on '{Address}' begins like an IpcPs envelope but has another length.", Address.Text)
                { Advice = IpcAdvice.ReceiveBytes };
            }
        }
        catch (IpcException) when (options.Format == IpcFormat.Auto)
        {
            // Bytes of another program that begin with the marker by chance. They must not be lost.
            return;
        }
        header.Describe(message);
        message.Skip(header.Size);
        if (header.IsReference) ReadSegment(message, options.Peek);
    }

    /// <summary>The exception for a message that is larger than the transport's limit.</summary>
    private protected virtual IpcException TooLarge(long size)
    {
        var (hint, advice) = TooLargeHint;
        return new(
            IpcErrors.MessageTooLarge, $"A message of {size} bytes is larger than the {MaxMessageSize} that '{Address}' takes.",
            Address.Text, hint)
        { Advice = advice };
    }
}
