namespace IpcPs.SharedMemory;

/// <summary>A file in the address space (mmap(2)), <c>file:/path</c>: what is written is in the file, seen at once by whoever maps or reads it, and kept by the file
/// system as any file is. Not on a network file system between machines.</summary>
/// <remarks>Calls: open(2), and see <see cref="FileBackedMemory"/>.</remarks>
public sealed class MappedFile : FileBackedMemory
{
    private MappedFile(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, descriptor, region)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "mapped file";

    /// <summary>Creates a file of zeros, whose room on the disk is set aside, and maps it.</summary>
    /// <inheritdoc cref="PosixSharedMemory.Create"/>
    public static MappedFile Create(IpcAddress address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool sparse = false, CancellationToken cancellation = default)
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

    /// <summary>Maps a file that exists, all of it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/>,
    /// <see cref="IpcErrors.InvalidOperation"/> (it is empty).</exception>
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
