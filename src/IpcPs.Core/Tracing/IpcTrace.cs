using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Queues;
using IpcPs.Relays;
using IpcPs.Rings;

namespace IpcPs.Tracing;

/// <summary>The messages that pass on a channel, without taking them away from their receiver.</summary>
public abstract class IpcTrace : IDisposable
{
    private readonly MessagePreview _preview;

    private protected IpcTrace(IpcAddress address, IpcFormat format)
    {
        Address = address;
        _preview = new MessagePreview(format);
    }

    /// <summary>What is traced.</summary>
    public IpcAddress Address { get; }

    /// <summary>How many messages, or gaps in them, were not seen because the trace was too slow.</summary>
    public long Lost { get; private protected set; }

    /// <summary>How it sees what passes, where that needs to be said; null elsewhere.</summary>
    public string? Means { get; private protected init; }

    /// <summary>Begins to trace. Pipes, Unix sockets and POSIX queues are traced by the system calls of the processes that have them open
    /// now, with strace(1).</summary>
    /// <param name="address">The address of the channel.</param>
    /// <param name="opened">The open object: a relay, or a channel; null for the address alone.</param>
    /// <param name="format">How the bytes are shown; Auto for what they look like.</param>
    /// <param name="wait">How long opening may take.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: strace is not installed;
    /// <see cref="IpcErrors.NotFound"/>: no other process has it open; <see cref="IpcErrors.AccessDenied"/>;
    /// <see cref="IpcErrors.WrongKind"/>: it carries no messages; those of opening.</exception>
    public static IpcTrace Open(IpcAddress address, IpcObject? opened, IpcFormat format = IpcFormat.Auto, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (opened is IpcRelay relay) return new RelayTrace(relay, format);
        switch (address.Scheme)
        {
            case IpcScheme.Ring:
                return new RingTrace((MessageRing?)opened ?? MessageRing.Open(address, wait: wait), opened is null, format);
            case IpcScheme.SysVMq:
                var queue = opened ?? IpcMechanisms.Open(address, new OpenOptions { Access = IpcAccess.Read }, wait);
                return new SysVQueueTrace((SysVQueue)queue, opened is null, format);
            case IpcScheme.Tcp or IpcScheme.Udp:
                return new PacketTrace(address, opened, format);
            case IpcScheme.Mq or IpcScheme.Unix or IpcScheme.Fifo or IpcScheme.Pipe or IpcScheme.Fd:
                return new SystemCallTrace(address, format, wait);
            case IpcScheme.Nats or IpcScheme.Tls:
                throw new IpcException(IpcErrors.NotSupported,
                    $"'{address}' can't be traced: its messages pass through a broker, which may be on another machine.", address.Text,
                    "Put a relay between the broker and the other side, and trace that.")
                { Advice = IpcAdvice.UseRelay };
            default:
                throw new IpcException(IpcErrors.WrongKind, $"'{address}' carries no messages.", address.Text);
        }
    }

    /// <summary>Waits for the next message that passes.</summary>
    /// <returns>Null when the channel has ended: the relay, the removed queue, or all traced processes.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Closed"/>.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public abstract IpcTraceRecord? Read(in WaitOptions wait);

    /// <summary>Ends the trace. The channel stays as it is.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the trace opened.</summary>
    protected abstract void Dispose(bool disposing);

    private protected IpcTraceRecord Packet(ReadOnlySpan<byte> packet, string direction, int? sender, string? connection = null)
    {
        var (format, size, text) = _preview.OfPacket(packet);
        return new IpcTraceRecord(DateTimeOffset.Now, direction, sender, size, format, text, Address.Text, connection);
    }

    private protected IpcTraceRecord Payload(ReadOnlySpan<byte> payload, IpcFormat known, string direction, int? sender)
    {
        var (format, size, text) = _preview.OfPayload(payload, known);
        return new IpcTraceRecord(DateTimeOffset.Now, direction, sender, size, format, text, Address.Text, null);
    }

    private protected IpcException TimedOut(Deadline deadline) =>
        IpcException.TimedOut($"a message on '{Address}'", Address.Text, deadline, IpcErrors.Empty);
}
