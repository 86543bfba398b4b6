namespace IpcPs;

/// <summary>An object whose buffer space in the kernel can be changed while it exists: a pipe, shared memory.</summary>
public interface IIpcCapacity
{
    /// <summary>How many bytes it holds before a sender waits.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.InvalidArgument"/>.</exception>
    long Capacity { get; set; }
}

/// <summary>A queue that is limited by the bytes of all its messages together: a System V queue.</summary>
public interface IIpcMaxBytes
{
    /// <summary>How many bytes of payload it holds before a sender waits.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    long MaxBytes { get; set; }
}

/// <summary>An object with an owner, a group and permissions that can be changed while it exists.</summary>
public interface IIpcPermissions
{
    /// <summary>Who may read and write. Its owner and root can set it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    UnixFileMode Mode { get; set; }

    /// <summary>The user that owns it: the name, or the number where that has no name. Root can set it, by name or number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.InvalidArgument"/>: no such
    /// user.</exception>
    string Owner { get; set; }

    /// <summary>The group that owns it: the name, or the number where that has no name. Its owner can set it to one of the owner's groups;
    /// root can set it to any group.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.InvalidArgument"/>: no such
    /// group.</exception>
    string Group { get; set; }
}
