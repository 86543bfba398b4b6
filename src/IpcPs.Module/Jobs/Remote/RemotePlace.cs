using IpcPs.Ssh;

namespace IpcPs.Module.Jobs.Remote;

/// <summary>A place for one process on a connection to a host. The process that gets it returns it.</summary>
internal sealed record RemotePlace(SshHost Host, SshConnection Connection)
{
    /// <summary>Takes a place on one of several hosts. May wait for another login.</summary>
    /// <param name="hosts">The hosts, to which there are connections.</param>
    /// <param name="worker">The number of the worker, which chooses the host. If there is no connection to that one any more, the next is
    /// taken.</param>
    /// <param name="wait">How long another login may take.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ConnectionLost"/>; or why there can be no other login.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static RemotePlace Take(IReadOnlyList<SshHost> hosts, int worker, in WaitOptions wait)
    {
        var first = Math.Max(worker - 1, 0);
        IpcException? failure = null;
        for (var i = 0; i < hosts.Count; i++)
        {
            var host = hosts[(first + i) % hosts.Count];
            try
            {
                if (host.TakeSession(RemoteModule.Archive, wait) is { } connection) return new RemotePlace(host, connection);
            }
            catch (IpcException e)
            {
                failure = e;
            }
        }
        throw failure ?? hosts[first % hosts.Count].Loss();
    }

    /// <summary>Returns the place: no process has got it.</summary>
    public void Return() => Host.Return(Connection);
}
