using IpcPs.Sockets.Loopback;

namespace IpcPs.Sockets.Server;

/// <summary>What a listener has against its clients: counted, the latest in words, and never the end of the listener.</summary>
internal sealed class RejectedClientLog
{
    private const int MaxKept = 16;

    private readonly Queue<string> _kept = new();
    private long _refused;
    private long _failed;

    /// <summary>Clients of other users.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Clients that sent what nobody can read.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    public void AddRefused(PeerIdentity peer, IpcAddress address)
    {
        Interlocked.Increment(ref _refused);
        Keep($"'{address}' refused {peer}: only the listener's user and its AllowedUsers are served.");
    }

    public void AddFailed(PeerIdentity peer, IpcException error)
    {
        Interlocked.Increment(ref _failed);
        Keep($"A client ({peer}) was disconnected: {error.Message}");
    }

    /// <summary>Something that is nobody's fault in particular.</summary>
    public void Add(IpcException error) => Keep(error.Message);

    /// <summary>The latest, once.</summary>
    public IReadOnlyList<string> Take()
    {
        if (_kept.Count == 0) return [];
        lock (_kept)
        {
            string[] taken = [.. _kept];
            _kept.Clear();
            return taken;
        }
    }

    private void Keep(string text)
    {
        lock (_kept)
        {
            if (_kept.Count == MaxKept) _kept.Dequeue();
            _kept.Enqueue(text);
        }
    }
}
