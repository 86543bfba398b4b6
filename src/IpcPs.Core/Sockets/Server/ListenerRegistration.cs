namespace IpcPs.Sockets.Server;

/// <summary>The tie between a connection and the listener that receives from it.</summary>
internal sealed record ListenerRegistration(AcceptedClient Client, SocketListener Listener)
{
    /// <summary>Something was sent to the client; of it, so many were replies.</summary>
    public void Sent(int replies) => Listener.Sent(Client, replies);

    /// <summary>The connection's user receives from it himself, or closes it: the listener has it no more.</summary>
    public void Cut() => Listener.Release(Client);
}
