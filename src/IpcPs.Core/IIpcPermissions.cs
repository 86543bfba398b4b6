namespace IpcPs;

/// <summary>An object with an owner, a group and permissions that can be changed while it exists.</summary>
public interface IIpcPermissions
{
    /// <summary>Who may read and write. Set by its owner or root.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    UnixFileMode Mode { get; set; }

    /// <summary>The user that it belongs to, by name, or by number where the number has no name. Set, by name or number, by root.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.InvalidArgument"/>: no such user.</exception>
    string Owner { get; set; }

    /// <summary>The group that it belongs to, likewise. Set by its owner to a group of the owner's, or by root.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.InvalidArgument"/>: no such group.</exception>
    string Group { get; set; }
}
