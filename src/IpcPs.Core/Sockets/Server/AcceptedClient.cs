namespace IpcPs.Sockets.Server;

/// <summary>A connection as its listener sees it.</summary>
internal sealed class AcceptedClient(ISocketConnection connection)
{
    /// <summary>The connection.</summary>
    public ISocketConnection Connection { get; } = connection;

    /// <summary>Its place among the listener's clients; -1 where it has none.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Whether it waits for its turn.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Requests that it sent and that were not answered yet.</summary>
    public int Unanswered;

    /// <summary>Whether it has ended sending, and is there for its answers only.</summary>
    public volatile bool HasEnded;
}
