namespace IpcPs.SharedMemory;

/// <summary>POSIX shared memory (shm_overview(7)), <c>shm:/NAME</c>: a file in /dev/shm, which lies in memory. It lives until it is removed, whoever closes it;
/// processes that have it mapped keep it. What C opens with shm_open(3) and Python with multiprocessing.shared_memory.</summary>
/// <remarks>Calls: open(2) in /dev/shm, as shm_open(3) does, and see <see cref="FileBackedMemory"/>.</remarks>
public sealed class PosixSharedMemory : FileBackedMemory
{
    /// <summary>Where glibc's shm_open(3) has its files.</summary>
    internal const string Folder = "/dev/shm";

    private PosixSharedMemory(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, descriptor, region)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "POSIX shared memory";

    /// <summary>Creates a segment of zeros, all of whose memory is set aside. Nobody can open it before it is complete; its mode is as asked, whatever the umask.</summary>
    /// <param name="address"><c>shm:/NAME</c>.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="mode">Permissions.</param>
    /// <param name="sparse">Takes memory page by page as it is touched, instead of all of it now. When /dev/shm is full then, an access fails.</param>
    /// <param name="cancellation">Ends the setting aside of a large segment.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (/dev/shm has not that much room),
    /// <see cref="IpcErrors.InvalidArgument"/>, <see cref="IpcErrors.PlatformNotSupported"/> (no /dev/shm).</exception>
    public static PosixSharedMemory Create(IpcAddress address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool sparse = false, CancellationToken cancellation = default)
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

    /// <summary>Opens a segment that exists, at the size that it has.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/>,
    /// <see cref="IpcErrors.InvalidOperation"/> (its size was never set).</exception>
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

    /// <summary>Makes one of a descriptor that is known to be a segment's; where this throws, it stays the caller's.</summary>
    internal static PosixSharedMemory Adopt(SafeDescriptor descriptor, IpcAccess access, IpcAddress address) =>
        new(address, descriptor, MapAll(descriptor, !access.HasFlag(IpcAccess.Write), address));

    internal static string PathOf(IpcAddress address) => Folder + "/" + address.Name;

    internal static void RequireFolder(IpcAddress address)
    {
        if (!Directory.Exists(Folder))
            throw new IpcException(IpcErrors.PlatformNotSupported, $"There is no {Folder} on this machine, where '{address}' would be.", address.Text, $"Mount one: 'mount -t tmpfs tmpfs {Folder}'.");
    }
}
