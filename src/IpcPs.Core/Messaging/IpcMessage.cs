using IpcPs.Processes;

namespace IpcPs.Messaging;

/// <summary>A received message with its metadata. A property that the transport does not know is null.</summary>
/// <remarks>It derives from EventArgs so that it can be the arguments of an event.</remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1710", Justification = "First of all it is the result of a receive.")]
public sealed class IpcMessage : EventArgs
{
    private int _answered;

    /// <summary>Creates a message from the buffer that it was received into, and takes the buffer's descriptors.</summary>
    /// <param name="message">The buffer.</param>
    /// <param name="body">The decoded payload.</param>
    /// <param name="channel">The channel that it was received on.</param>
    /// <param name="receivedAs">The format that it was decoded as, if it came without an envelope.</param>
    /// <param name="delimiter">What ended it, if it came without an envelope on a byte stream.</param>
    public IpcMessage(MessageBuffer message, object? body, IpcChannel channel, IpcFormat receivedAs = IpcFormat.Auto,
        IpcDelimiter delimiter = IpcDelimiter.Lf)
    {
        Delimiter = delimiter;
        ArgumentNullException.ThrowIfNull(message);
        Body = body;
        Channel = message.Sender ?? channel;
        Format = message.Format == IpcFormat.Auto ? receivedAs : message.Format;
        Type = message.Type;
        Priority = message.Priority;
        SenderId = message.SenderId;
        SenderUserId = message.SenderUserId;
        CorrelationId = message.CorrelationId;
        IsReply = message.IsReply;
        DeliveryCount = message.DeliveryCount;
        if (CorrelationId == 0) Channel.ExpectAnswer(toMessage: true);
        if (message.Handles is not null) Handles = message.TakeHandles().Select(DescriptorOpener.Open).ToArray();
    }

    private IpcMessage(IpcChannel channel) => Channel = channel;

    /// <summary>The last event of a channel: no message follows.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="exception">Why it ended; null if its peer closed it.</param>
    public static IpcMessage EndOf(IpcChannel channel, Exception? exception) => new(channel) { IsEnd = true, Exception = exception };

    /// <summary>Whether this is no message, but the end of the channel.</summary>
    public bool IsEnd { get; private init; }

    /// <summary>Why the message could not be decoded, or why the channel ended; null if all is well.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The decoded payload.</summary>
    public object? Body { get; }

    /// <summary>The format that its envelope names; without an envelope, the format that it was decoded as.</summary>
    public IpcFormat Format { get; }

    /// <summary>Byte streams: what ends the text of an answer, unless it has an envelope.</summary>
    public IpcDelimiter Delimiter { get; }

    /// <summary>System V queues: the message type; null on other channels.</summary>
    public long? Type { get; }

    /// <summary>POSIX queues: the priority; null on other channels.</summary>
    public int? Priority { get; }

    /// <summary>The sender's process id.</summary>
    public int? SenderId { get; }

    /// <summary>The sender's user id.</summary>
    public uint? SenderUserId { get; }

    /// <summary>The sender's user name.</summary>
    public string? SenderUser => SenderUserId is { } id ? Accounts.UserName(id) : null;

    /// <summary>The channel to reply on: the one that it came from; for a listener, the client's connection.</summary>
    public IpcChannel Channel { get; }

    /// <summary>The number of a request, which its reply repeats; 0 if no reply is expected.</summary>
    public ulong CorrelationId { get; }

    /// <summary>Whether it is the reply to a request.</summary>
    public bool IsReply { get; }

    /// <summary>Brokers: how often the message was given to a receiver; null on other channels. At more than 1 it may have been processed
    /// before.</summary>
    public int? DeliveryCount { get; }

    /// <summary>The descriptors that were passed with the message, as open objects. The receiver closes them.</summary>
    public IReadOnlyList<object> Handles { get; } = Array.Empty<object>();

    /// <summary>Records that the whole answer was sent, or that none follows. A listener keeps a client that has ended sending until its
    /// messages were answered. A request is answered by its reply.</summary>
    public void MarkAnswered()
    {
        if (CorrelationId == 0 && Interlocked.Exchange(ref _answered, 1) == 0) Channel.CompleteAnswer();
    }

    /// <inheritdoc/>
    public override string ToString() => Body?.ToString() ?? "";
}
