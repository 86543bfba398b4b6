namespace IpcPs.Messaging.Requests;

/// <summary>A call that waits for a message on a channel with requests: for one reply, or for whatever is none.</summary>
internal sealed class RequestWaiter(MessageBuffer message, ulong id)
{
    private SemaphoreSlim? _signal;

    /// <summary>Where the message goes.</summary>
    public MessageBuffer Message { get; } = message;

    /// <summary>The request's number; 0 for a plain receive.</summary>
    public ulong Id { get; } = id;

    /// <summary>Whether the message is there, in <see cref="Message"/> or <see cref="Delivered"/>.</summary>
    public volatile bool IsDone;

    /// <summary>The message, where <see cref="Message"/> was being received into when it was handed over.</summary>
    public MessageBuffer? Delivered { get; set; }

    /// <summary>Ends the receive that this call is doing for all; null where it is not doing one.</summary>
    public CancellationTokenSource? Wake { get; set; }

    /// <summary>Released when the message is there, and when it is this call's turn to receive for all.</summary>
    public SemaphoreSlim Signal => LazyInitializer.EnsureInitialized(ref _signal, static () => new SemaphoreSlim(0))!;
}
