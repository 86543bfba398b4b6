namespace IpcPs.Linux;

/// <summary>Changes what IPC_SET of shmctl(2) and semctl(2) will set.</summary>
internal delegate void PermissionChange(ref Libc.IpcPerm permissions);

/// <summary>Mode, owner and group of a System V object.</summary>
/// <param name="read">Reads them (IPC_STAT).</param>
/// <param name="change">Changes them (IPC_SET).</param>
internal sealed class SysVPermissions(Func<Libc.IpcPerm> read, Action<PermissionChange> change) : IIpcPermissions
{
    /// <summary>The recommended action if a change is refused.</summary>
    public const string Hint = "Only the owner, the creator and root may change the mode, the owner and the group.";

    public UnixFileMode Mode
    {
        get => (UnixFileMode)(read().Mode & 0x1FF);
        set => change((ref Libc.IpcPerm permissions) => permissions.Mode = (ushort)value);
    }

    public string Owner
    {
        get => Accounts.UserName(read().UserId);
        set
        {
            var id = Accounts.UserId(value);
            change((ref Libc.IpcPerm permissions) => permissions.UserId = id);
        }
    }

    public string Group
    {
        get => Accounts.GroupName(read().GroupId);
        set
        {
            var id = Accounts.GroupId(value);
            change((ref Libc.IpcPerm permissions) => permissions.GroupId = id);
        }
    }
}
