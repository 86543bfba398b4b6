using System.Runtime.InteropServices;

namespace IpcPs.Messaging;

/// <summary>What is sent with a message besides its bytes. A transport that does not support an option refuses it with
/// <see cref="IpcErrors.NotSupported"/>.</summary>
public readonly record struct SendOptions
{
    /// <summary>The format of the payload. The default, Auto, means Bytes.</summary>
    public IpcFormat Format { get; init; }

    /// <summary>Puts Text, Json and Bytes into an envelope too, which keeps message boundaries on byte streams.</summary>
    public bool Framed { get; init; }

    /// <summary>Byte streams: what ends a Text or Json that is sent without an envelope.</summary>
    public IpcDelimiter Delimiter { get; init; }

    /// <summary>System V queues: the message type, 1 or more. 0 for the default.</summary>
    public long Type { get; init; }

    /// <summary>POSIX queues: the priority, 0 to 32767, higher first. Null for the default.</summary>
    public int? Priority { get; init; }

    /// <summary>The number of a request, which its reply repeats; 0 for a message that expects no reply.</summary>
    public ulong CorrelationId { get; init; }

    /// <summary>Whether this is the reply to the request with that <see cref="CorrelationId"/>.</summary>
    public bool IsReply { get; init; }

    /// <summary>Which of the channel's 16 independent sequences it belongs to: 0; 1 to 15 are reserved for IpcPs's jobs.</summary>
    public byte StreamId { get; init; }

    /// <summary>Unix sockets: descriptors to pass to the receiver (SCM_RIGHTS); null for none.</summary>
    public IReadOnlyList<SafeHandle>? Handles { get; init; }

    /// <summary>Brokers: called, on any thread, if a message that was enqueued was not stored. Without it the next call on the channel
    /// throws the reason.</summary>
    public Action<IpcException>? OnFailed { get; init; }

    /// <summary>Whether the payload travels in an envelope.</summary>
    internal bool NeedsEnvelope => Framed || Format == IpcFormat.Object || CorrelationId != 0 || StreamId != 0;
}
