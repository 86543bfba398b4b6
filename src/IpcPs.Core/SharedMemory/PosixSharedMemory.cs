namespace IpcPs.SharedMemory;

/// <summary>POSIX shared memory (shm_overview(7)), <c>shm:/NAME</c>: C opens it with shm_open(3), Python with
/// multiprocessing.shared_memory.</summary>
/// <remarks>It is a file in /dev/shm, which is in memory. It exists until it is removed, and after that for the processes that have it
/// mapped.
/// Calls: open(2) in /dev/shm, as shm_open(3) does, and see <see cref="FileBackedMemory"/>.</remarks>
public sealed class PosixSharedMemory : FileBackedMemory
{
    /// <summary>The folder of the files of shm_open(3).</summary>
    internal const string Folder = "/dev/shm";

    private PosixSharedMemory(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, descriptor, region)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "POSIX shared memory";

    /// <summary>Creates a segment of zeros, and reserves all of its memory. It cannot be opened before it is complete. The umask does not
    /// change its mode.</summary>
    /// <param name="address"><c>shm:/NAME</c>.</param>
    /// <param name="size">The size in bytes.</param>
    /// <param name="mode">The permissions.</param>
    /// <param name="sparse">Whether each page is allocated only when it is first used. If /dev/shm is full then, the access fails.</param>
    /// <param name="cancellation">Cancels the reservation of a large segment.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (/dev/shm does not have
    /// that much space), <see cref="IpcErrors.InvalidArgument"/>, <see cref="IpcErrors.PlatformNotSupported"/> (no /dev/shm).</exception>
    public static PosixSharedMemory Create(
        IpcAddress address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool sparse = false,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireFolder(address);
        var file = CreateFile(PathOf(address), size, mode, sparse, address, cancellation);
        try
        {
            return new PosixSharedMemory(address, file, MapSize(file, size, isReadOnly: false, address));
        }
        catch
        {
            _ = Libc.unlink(PathOf(address));
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a segment that exists, with the size that it has.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidOperation"/> (its size was never set).</exception>
    public static PosixSharedMemory Open(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        RequireFolder(address);
        var file = OpenFile(PathOf(address), ref access, address, Libc.O_NOFOLLOW);
        try
        {
            return new PosixSharedMemory(address, file, MapAll(file, !access.HasFlag(IpcAccess.Write), address));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps a descriptor that is known to be a segment. If this throws, the caller still owns the descriptor.</summary>
    internal static PosixSharedMemory Adopt(SafeDescriptor descriptor, IpcAccess access, IpcAddress address) =>
        new(address, descriptor, MapAll(descriptor, !access.HasFlag(IpcAccess.Write), address));

    internal static string PathOf(IpcAddress address) => Folder + "/" + address.Name;

    internal static void RequireFolder(IpcAddress address)
    {
        if (!Directory.Exists(Folder))
            throw new IpcException(IpcErrors.PlatformNotSupported, $"'{address}' needs {Folder}, which this machine does not have.",
                address.Text, $"Mount it: 'mount -t tmpfs tmpfs {Folder}'.");
    }
}
