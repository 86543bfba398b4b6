namespace IpcPs.Sockets.Server;

/// <summary>Whom a listener serves: the user that it runs as, whoever was named besides, or everybody.</summary>
internal sealed class AllowedUsers
{
    private readonly HashSet<uint> _ids = [Libc.geteuid()];

    /// <param name="names">Users by name or number; <c>*</c> for everybody; null for nobody else.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such user.</exception>
    public AllowedUsers(IEnumerable<string>? names)
    {
        foreach (var name in names ?? [])
        {
            if (name == "*") Everybody = true;
            else _ids.Add(Accounts.UserId(name));
        }
    }

    /// <summary>The own user, and who can't be found out: for a listener whose clients prove themselves otherwise.</summary>
    public static AllowedUsers OwnOrUnknown() => new(null) { Unknown = true };

    /// <summary>Whether a client is served whose user can't be found out.</summary>
    public bool Unknown { get; private init; }

    /// <summary>Whether nobody is refused.</summary>
    public bool Everybody { get; }

    /// <summary>Whether users besides the own one are served.</summary>
    public bool Others => Everybody || _ids.Count > 1;

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names => Everybody ? new[] { "*" } : _ids.Select(Accounts.UserName).ToArray();

    /// <summary>Whether that user is served. One that could not be found out is not, but where <see cref="Unknown"/> says so.</summary>
    public bool Contains(uint? id) => Everybody || (id is { } known ? _ids.Contains(known) : Unknown);
}
