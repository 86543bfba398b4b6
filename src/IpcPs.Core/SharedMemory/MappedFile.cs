namespace IpcPs.SharedMemory;

/// <summary>A file that is mapped into the address space (mmap(2)), <c>file:/path</c>.</summary>
/// <remarks>What is written is in the file. Every process that maps or reads the file sees it at once. That does not work between machines,
/// through a network file system.
/// Calls: open(2), and see <see cref="FileBackedMemory"/>.</remarks>
public sealed class MappedFile : FileBackedMemory
{
    private MappedFile(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, descriptor, region)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "mapped file";

    /// <summary>Creates a file of zeros, reserves its space on the disk, and maps it.</summary>
    /// <inheritdoc cref="PosixSharedMemory.Create"/>
    public static MappedFile Create(
        IpcAddress address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool sparse = false,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var file = CreateFile(address.Path!, size, mode, sparse, address, cancellation);
        try
        {
            return new MappedFile(address, file, MapSize(file, size, isReadOnly: false, address));
        }
        catch
        {
            _ = Libc.unlink(address.Path!);
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps the whole of a file that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidOperation"/> (it is empty).</exception>
    public static MappedFile Open(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var file = OpenFile(address.Path!, ref access, address);
        try
        {
            return new MappedFile(address, file, MapAll(file, !access.HasFlag(IpcAccess.Write), address));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
