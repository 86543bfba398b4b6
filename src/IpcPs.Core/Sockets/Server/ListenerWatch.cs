using IpcPs.Readiness;

namespace IpcPs.Sockets.Server;

/// <summary>The watch of a listener. Its descriptor is readable for connections, for messages, and for clients that have closed: only the
/// listener can tell which.</summary>
internal sealed class ListenerWatch(SocketListener listener) : ReadinessWatch
{
    internal override CancellationToken Ending => listener.Ending;

    public override ReadyState Check()
    {
        try
        {
            return listener.IsClosed ? ReadyState.Failed : listener.Ready();
        }
        catch (Exception e) when (e is IpcException or ObjectDisposedException)
        {
            return ReadyState.Failed;
        }
    }

    internal override void AddTo(PollSet polls) => polls.Add(listener.ReadinessDescriptor(Deadline.Immediate)!);
}
