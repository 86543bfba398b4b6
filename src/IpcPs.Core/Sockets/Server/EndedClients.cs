namespace IpcPs.Sockets.Server;

/// <summary>A listener's clients that have ended sending. They are kept until the program has answered them, or until they close.</summary>
/// <remarks>How many messages an answer has, only the program knows. A thread that answers and then receives the next message has sent all
/// of it. For other threads it is enough that they have sent nothing more for a second. Several programs wait for the end of the stream
/// after an answer (<c>nc -N</c>), so that answered clients do not stay.</remarks>
internal sealed class EndedClients : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly object _lock = new();
    private readonly List<AcceptedClient> _clients = [];
    private readonly Action<AcceptedClient> _close;
    private readonly Timer _timer;

    /// <param name="close">Closes a client. It is called on any thread.</param>
    public EndedClients(Action<AcceptedClient> close)
    {
        _close = close;
        _timer = new Timer(_ => CloseQuiet());
    }

    public int Count
    {
        get
        {
            lock (_lock) return _clients.Count;
        }
    }

    /// <summary>Adds a client that has ended sending.</summary>
    public void Add(AcceptedClient client)
    {
        lock (_lock) _clients.Add(client);
        if (client.IsAnswered) _timer.Change(Pause, Pause);
    }

    public void Remove(AcceptedClient client)
    {
        lock (_lock) _clients.Remove(client);
    }

    /// <summary>Called after the last answer was sent to a client: closes it if nothing follows for a while.</summary>
    public void AwaitQuiet() => _timer.Change(Pause, Pause);

    /// <summary>Closes the clients that the calling thread has answered. It is about to receive.</summary>
    public void CloseAnswered()
    {
        if (Count == 0) return;
        var thread = Environment.CurrentManagedThreadId;
        Close(c => c.IsAnswered && c.AnsweringThread == thread);
    }

    /// <summary>Closes the client that ended first: its descriptor is needed.</summary>
    /// <returns>False if no client has ended.</returns>
    public bool CloseOldest()
    {
        AcceptedClient? oldest;
        lock (_lock) oldest = _clients.FirstOrDefault();
        if (oldest is null) return false;
        _close(oldest);
        return true;
    }

    public void Dispose() => _timer.Dispose();

    private void CloseQuiet()
    {
        var now = Environment.TickCount64;
        Close(c => c.IsAnswered && !c.Connection.IsSending && now - c.AnsweredAt >= (long)Pause.TotalMilliseconds);
        lock (_lock)
        {
            if (!_clients.Exists(static c => c.IsAnswered)) _timer.Change(Timeout.Infinite, Timeout.Infinite);
        }
    }

    private void Close(Predicate<AcceptedClient> which)
    {
        List<AcceptedClient> found;
        lock (_lock) found = _clients.FindAll(which);
        foreach (var client in found) _close(client);
    }
}
