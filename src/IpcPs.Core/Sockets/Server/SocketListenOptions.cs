namespace IpcPs.Sockets.Server;

/// <summary>How a socket listens.</summary>
public readonly record struct SocketListenOptions
{
    /// <summary>Connections that the kernel keeps until they are accepted; 0 for 1024. More than net.core.somaxconn are not kept.</summary>
    public int Backlog { get; init; }

    /// <summary>Users that are served besides the own one, by name or number; <c>*</c> for everybody; null for nobody else.</summary>
    public IReadOnlyList<string>? AllowUsers { get; init; }

    /// <summary>Permissions of a unix socket's file, whatever the umask; null for 0600, or 0666 where other users are allowed.</summary>
    public UnixFileMode? Mode { get; init; }
}
