namespace IpcPs.Files;

/// <summary>Which file a path, a descriptor or a mapping leads to: device and inode.</summary>
internal readonly record struct FileId(uint Major, uint Minor, ulong Inode)
{
    public static FileId Of(in Libc.Statx stat) => new(stat.DeviceMajor, stat.DeviceMinor, stat.Inode);

    public static unsafe FileId? OfPath(string path, out Libc.Statx stat)
    {
        Libc.Statx found;
        var ok = Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS | Libc.STATX_BTIME, &found) == 0;
        stat = found;
        return ok ? Of(found) : null;
    }
}
