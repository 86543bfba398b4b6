namespace IpcPs.Sockets.Loopback;

/// <summary>Who is at the other end of a connection, as far as the kernel says.</summary>
internal readonly record struct PeerIdentity(int? ProcessId, uint? UserId, uint? GroupId)
{
    /// <summary>What SO_PEERCRED says.</summary>
    public static PeerIdentity Of(Libc.Credentials? credentials) => credentials is not { } peer ? default
        // A process that this one's pid namespace does not know is 0.
        : new PeerIdentity(peer.ProcessId > 0 ? peer.ProcessId : null, peer.UserId, peer.GroupId);

    public string? User => UserId is { } id ? Accounts.UserName(id) : null;

    public override string ToString() => UserId is null ? "an unknown user" : ProcessId is { } pid ? $"user {User}, process {pid}" : $"user {User}";
}
