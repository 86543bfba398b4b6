using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Identifies a file, whether it is reached by a path, by a descriptor or by a mapping: its device and its inode.</summary>
internal readonly record struct FileId(uint Major, uint Minor, ulong Inode);

/// <summary>What the kernel knows about a file: the one caller of statx(2).</summary>
internal readonly unsafe struct FileStatus
{
    private const uint PermissionBits = 0x1FF;

    private readonly Libc.StatxTimestamp _birth;
    private readonly Libc.StatxTimestamp _change;
    private readonly Libc.StatxTimestamp _modification;
    private readonly bool _hasBirth;

    private FileStatus(in Libc.Statx stat)
    {
        Id = new FileId(stat.DeviceMajor, stat.DeviceMinor, stat.Inode);
        Type = stat.Mode & Libc.S_IFMT;
        Mode = (UnixFileMode)(stat.Mode & PermissionBits);
        UserId = stat.UserId;
        GroupId = stat.GroupId;
        Links = stat.Links;
        Size = (long)stat.Size;
        AllocatedSize = (long)stat.Blocks * 512;
        _birth = stat.BirthTime;
        _change = stat.ChangeTime;
        _modification = stat.ModifyTime;
        _hasBirth = (stat.Mask & Libc.STATX_BTIME) != 0;
    }

    /// <summary>Which file it is.</summary>
    public FileId Id { get; }

    /// <summary>The S_IF… type.</summary>
    public uint Type { get; }

    /// <summary>The permissions.</summary>
    public UnixFileMode Mode { get; }

    /// <summary>The owner's number.</summary>
    public uint UserId { get; }

    /// <summary>The group's number.</summary>
    public uint GroupId { get; }

    /// <summary>How many names it has; 0 once it was removed.</summary>
    public uint Links { get; }

    /// <summary>Its size in bytes.</summary>
    public long Size { get; }

    /// <summary>Bytes that the file system keeps for it: fewer than <see cref="Size"/> where the file has holes.</summary>
    public long AllocatedSize { get; }

    /// <summary>The owner's name, or number where it has no name.</summary>
    public string Owner => Accounts.UserName(UserId);

    /// <summary>The group's name, or number where it has no name.</summary>
    public string Group => Accounts.GroupName(GroupId);

    /// <summary>When it was created; null where the file system does not record that.</summary>
    public DateTime? Created => _hasBirth ? _birth.ToLocalTime() : null;

    /// <summary>When its content, owner, mode or number of names changed last.</summary>
    public DateTime Changed => _change.ToLocalTime();

    /// <summary>When its content changed last.</summary>
    public DateTime Modified => _modification.ToLocalTime();

    /// <summary>Whether it is of that S_IF… type.</summary>
    public bool IsType(uint type) => Type == type;

    /// <summary>The status of the file at a path.</summary>
    /// <returns>Null where the call fails; the errno is <see cref="Marshal.GetLastPInvokeError"/>.</returns>
    public static FileStatus? TryOf(string path, bool followLinks = false)
    {
        Libc.Statx stat;
        var flags = followLinks ? 0 : Libc.AT_SYMLINK_NOFOLLOW;
        return Libc.statx(Libc.AT_FDCWD, path, flags, Libc.STATX_BASIC_STATS | Libc.STATX_BTIME, &stat) == 0 ? new FileStatus(stat) : null;
    }

    /// <summary>The status of an open file.</summary>
    /// <returns>Null where the call fails; the errno is <see cref="Marshal.GetLastPInvokeError"/>.</returns>
    public static FileStatus? TryOf(SafeDescriptor descriptor)
    {
        Libc.Statx stat;
        return Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &stat) == 0 ? new FileStatus(stat) : null;
    }

    /// <summary>The status of an open file.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="target">The object's address, for the error.</param>
    /// <exception cref="IpcException">The errno of statx(2).</exception>
    /// <exception cref="ObjectDisposedException">The descriptor is closed.</exception>
    public static FileStatus Of(SafeDescriptor descriptor, string? target) =>
        TryOf(descriptor) ?? throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), target);

    /// <summary>The status of the file at a path; a symbolic link is not followed.</summary>
    /// <param name="path">The path.</param>
    /// <param name="target">The object's address, for the error.</param>
    /// <param name="call">The call that the caller would make next, and which the error names.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static FileStatus Of(string path, string? target, string call = "statx") =>
        TryOf(path) ?? throw IpcException.FromErrno(call, Marshal.GetLastPInvokeError(), target);

    /// <summary>The names of the files of one type in a folder; empty where it can't be read.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">The S_IF… type.</param>
    /// <param name="isWanted">Filters the names before the files are looked at; null for all.</param>
    public static List<string> NamesIn(string folder, uint type, Func<string, bool>? isWanted = null)
    {
        var names = new List<string>();
        try
        {
            foreach (var (name, known) in FolderEntries.Names(folder))
            {
                if (known != 0 && known != type) continue;
                if (isWanted?.Invoke(name) == false) continue;
                if (known == type || TryOf(Path.Combine(folder, name))?.IsType(type) == true) names.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No names to offer then.
        }
        return names;
    }
}
