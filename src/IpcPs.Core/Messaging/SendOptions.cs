namespace IpcPs.Messaging;

/// <summary>What goes with a message besides its bytes. A transport that has no notion of one of these refuses it rather than dropping it.</summary>
public readonly record struct SendOptions
{
    /// <summary>What the payload is. The default, Auto, counts as Bytes.</summary>
    public IpcFormat Format { get; init; }

    /// <summary>Puts an envelope around Text, Json and Bytes too, which keeps message boundaries on byte streams.</summary>
    public bool Framed { get; init; }

    /// <summary>System V queues: the message type, 1 or more. 0 where none was given.</summary>
    public long Type { get; init; }

    /// <summary>POSIX queues: the priority, 0 to 32767, higher first. Null where none was given.</summary>
    public int? Priority { get; init; }

    /// <summary>A number that a reply repeats; 0 for a message that wants none.</summary>
    public ulong CorrelationId { get; init; }

    /// <summary>Whether this is the reply to the message of that <see cref="CorrelationId"/>.</summary>
    public bool IsReply { get; init; }

    /// <summary>Which of 16 independent sequences of one stream it belongs to; 0 for messages, the rest for IpcPs's own use (jobs).</summary>
    public byte StreamId { get; init; }

    /// <summary>Unix sockets: descriptors to pass along (SCM_RIGHTS); null for none.</summary>
    public IReadOnlyList<System.Runtime.InteropServices.SafeHandle>? Handles { get; init; }

    /// <summary>Whether the payload travels in an envelope.</summary>
    internal bool NeedsEnvelope => Framed || Format == IpcFormat.Object || CorrelationId != 0 || StreamId != 0;
}
