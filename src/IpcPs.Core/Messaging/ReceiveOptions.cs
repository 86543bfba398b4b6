namespace IpcPs.Messaging;

/// <summary>Which message is wanted. A transport that cannot select refuses rather than ignoring it.</summary>
public readonly record struct ReceiveOptions
{
    /// <summary>How a byte stream is cut into messages, and what is expected.</summary>
    public IpcFormat Format { get; init; }

    /// <summary>System V queues, as msgrcv(2): 0 any, n that type, -n the lowest type up to n. Null where none was given.</summary>
    public long? Type { get; init; }

    /// <summary>System V queues: any type but <see cref="Type"/> (MSG_EXCEPT).</summary>
    public bool ExceptType { get; init; }

    /// <summary>Leaves the message where it is.</summary>
    public bool Peek { get; init; }

    /// <summary>Takes no more from a byte stream or a seqpacket socket than this one message, so that another process can go on reading behind it. Slower.</summary>
    public bool Exact { get; init; }
}
