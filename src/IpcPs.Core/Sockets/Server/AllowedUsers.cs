using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>The users whose clients a listener serves: the current user, the users that were named, or every user.</summary>
internal sealed class AllowedUsers
{
    private readonly HashSet<uint> _ids = [Libc.geteuid()];

    /// <param name="names">More users, by name or number; <c>*</c> for every user; null for the current user only.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such user.</exception>
    public AllowedUsers(IEnumerable<string>? names)
    {
        foreach (var name in names ?? [])
        {
            if (name == "*") Everybody = true;
            else _ids.Add(Accounts.UserId(name));
        }
    }

    /// <summary>The current user, and clients whose user cannot be found: for a listener whose clients identify themselves by a
    /// key.</summary>
    public static AllowedUsers OwnOrUnknown() => new(null) { Unknown = true };

    /// <summary>Whether a client is served whose user cannot be found.</summary>
    public bool Unknown { get; private init; }

    /// <summary>Whether every user is served.</summary>
    public bool Everybody { get; }

    /// <summary>Whether users other than the current user are served.</summary>
    public bool Others => Everybody || _ids.Count > 1;

    public IReadOnlyList<string> Names => Everybody ? new[] { "*" } : _ids.Select(Accounts.UserName).ToArray();

    /// <param name="id">The user's id; null when it could not be found.</param>
    public bool Contains(uint? id) => Everybody || (id is { } known ? _ids.Contains(known) : Unknown);
}

/// <summary>The clients that a listener rejected: how many, and a sentence about each of the latest. The listener itself goes on.</summary>
internal sealed class RejectedClientLog
{
    private const int MaxKept = 16;

    private readonly Queue<string> _kept = new();
    private long _refused;
    private long _failed;

    /// <summary>How many clients' users are not allowed.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>How many clients or datagrams sent something that is not a message.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <param name="peer">The client.</param>
    /// <param name="address">The listener.</param>
    /// <param name="hint">What can be done about it.</param>
    public void AddRefused(PeerIdentity peer, IpcAddress address, string hint = "")
    {
        Interlocked.Increment(ref _refused);
        Add($"'{address}' refused {peer}: only the listener's user and its AllowedUsers are served.{hint}");
    }

    public void AddFailed(PeerIdentity peer, IpcException error) => AddFailed($"A client ({peer}) was disconnected", error);

    /// <param name="what">What the listener did.</param>
    /// <param name="error">Why.</param>
    public void AddFailed(string what, IpcException error)
    {
        Interlocked.Increment(ref _failed);
        Add($"{what}: {error.Message}");
    }

    /// <summary>Adds a warning that no client caused.</summary>
    public void Add(string text)
    {
        lock (_kept)
        {
            if (_kept.Count == MaxKept) _kept.Dequeue();
            _kept.Enqueue(text);
        }
    }

    /// <summary>Returns the latest sentences, and forgets them.</summary>
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
}
