using IpcPs.Processes;

namespace IpcPs.Messaging;

/// <summary>A received message with all that is known of it: what a transport does not know is null.</summary>
public sealed class IpcMessage
{
    /// <summary>Takes the facts of a message from the buffer that it was received into.</summary>
    /// <param name="message">The buffer.</param>
    /// <param name="body">Its payload, decoded.</param>
    /// <param name="channel">Where it was received.</param>
    /// <param name="receivedAs">What the receiver took it for, where it came without an envelope.</param>
    public IpcMessage(MessageBuffer message, object? body, IpcChannel channel, IpcFormat receivedAs = IpcFormat.Auto)
    {
        ArgumentNullException.ThrowIfNull(message);
        Body = body;
        Channel = message.ReplyChannel ?? channel;
        Format = message.Format == IpcFormat.Auto ? receivedAs : message.Format;
        Type = message.Type;
        Priority = message.Priority;
        SenderId = message.SenderId;
        SenderUserId = message.SenderUserId;
        CorrelationId = message.CorrelationId;
        IsReply = message.IsReply;
        if (message.Handles is not null) Handles = message.TakeHandles().Select(DescriptorOpener.Open).ToArray();
    }

    /// <summary>The message itself.</summary>
    public object? Body { get; }

    /// <summary>What its envelope says that it is; where it came without one, what it was received as.</summary>
    public IpcFormat Format { get; }

    /// <summary>System V queues: the message type.</summary>
    public long? Type { get; }

    /// <summary>POSIX queues: the priority.</summary>
    public int? Priority { get; }

    /// <summary>The sender's process id.</summary>
    public int? SenderId { get; }

    /// <summary>The sender's user id.</summary>
    public uint? SenderUserId { get; }

    /// <summary>The sender's user name.</summary>
    public string? SenderUser => SenderUserId is { } id ? Accounts.UserName(id) : null;

    /// <summary>Where to answer: the channel that it came from, or the client's connection where that was a listener.</summary>
    public IpcChannel Channel { get; }

    /// <summary>The number that a reply repeats; 0 where the sender waits for none.</summary>
    public ulong CorrelationId { get; }

    /// <summary>Whether it is the reply to a request.</summary>
    public bool IsReply { get; }

    /// <summary>What came along as open descriptors, as live objects (<see cref="DescriptorOpener.Open"/>); the receiver closes them.</summary>
    public IReadOnlyList<object> Handles { get; } = Array.Empty<object>();

    /// <inheritdoc/>
    public override string ToString() => Body?.ToString() ?? "";
}
