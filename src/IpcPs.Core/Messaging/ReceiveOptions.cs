namespace IpcPs.Messaging;

/// <summary>Which message to receive, and how. A transport that does not support an option refuses it with
/// <see cref="IpcErrors.NotSupported"/>.</summary>
public readonly record struct ReceiveOptions
{
    /// <summary>An <see cref="Ahead"/> for a receiver that receives on and on.</summary>
    public const int ManyAhead = 255;

    /// <summary>The format that is expected. On a byte stream it also decides where a message ends.</summary>
    public IpcFormat Format { get; init; }

    /// <summary>Byte streams: what ends a text that comes without an envelope.</summary>
    public IpcDelimiter Delimiter { get; init; }

    /// <summary>System V queues: which message type, as in msgrcv(2): 0 any, n only n, -n the lowest type up to n. Null for any.</summary>
    public long? Type { get; init; }

    /// <summary>System V queues: any type except <see cref="Type"/> (MSG_EXCEPT).</summary>
    public bool ExceptType { get; init; }

    /// <summary>Leaves the message in the channel.</summary>
    public bool Peek { get; init; }

    /// <summary>Byte streams, seqpacket: reads only this message, so that another process can read the next one. Slower.</summary>
    public bool Exact { get; init; }

    /// <summary>Brokers: how many of the next messages may be fetched together with this one. The channel holds them until they are
    /// received; <see cref="IpcChannel.ReturnAhead"/> returns them.</summary>
    public int Ahead { get; init; }
}

/// <summary>The result of a receive that does not wait.</summary>
internal enum ReceiveOutcome
{
    /// <summary>No message has arrived yet.</summary>
    Nothing,
    /// <summary>A message was received.</summary>
    Message,
    /// <summary>The end of the stream: no message can arrive any more.</summary>
    Ended,
}
