using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.SharedMemory;

/// <summary>Shared memory that has a descriptor: POSIX shared memory, a mapped file, a memfd. They differ only in their names.</summary>
/// <remarks>Calls: fallocate(2), ftruncate(2), statx(2), mmap(2).</remarks>
public abstract unsafe class FileBackedMemory : SharedMemorySegment, IIpcCapacity
{
    private protected FileBackedMemory(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, region) =>
        Descriptor = descriptor;

    /// <summary>The open file, which can be passed to another process (SCM_RIGHTS, inheritance) instead of a name.</summary>
    public SafeDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => Descriptor;

    // The capacity of shared memory is its size.
    long IIpcCapacity.Capacity
    {
        get => Size;
        set => Resize(value);
    }

    /// <inheritdoc/>
    public override void Resize(long size, CancellationToken cancellation = default)
    {
        ThrowIfClosed();
        RequireSize(size, Address);
        if (IsReadOnly) throw OpenForReading();
        var before = Status(Descriptor, Address).Size;
        try
        {
            if (size > before) FileAllocation.Reserve(Descriptor, before, size, Address, cancellation);
            else if (Libc.ftruncate(Descriptor, size) != 0) throw CannotShrink(Marshal.GetLastPInvokeError());
        }
        catch when (size > before)
        {
            // Some file systems grow a file step by step.
            _ = Libc.ftruncate(Descriptor, before);
            throw;
        }
        Refresh();
    }

    private protected static MappedRegion MapAll(SafeDescriptor descriptor, bool isReadOnly, IpcAddress address)
    {
        var status = Status(descriptor, address);
        if (!status.IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{address}' is not a regular file.", address.Text);
        if (status.Size == 0)
            throw new IpcException(IpcErrors.InvalidOperation, $"'{address}' has no bytes: its size was not set yet.", address.Text,
                "Try again after its creator has called ftruncate(), or has written to the file.");
        if (status.Size > long.MaxValue) throw new IpcException(IpcErrors.LimitReached, $"'{address}' is too large.", address.Text);
        return MapSize(descriptor, (long)status.Size, isReadOnly, address);
    }

    private protected override MappedRegion? MapAgain(MappedRegion current)
    {
        var size = Status(Descriptor, Address).Size;
        return size != 0 && (size != current.Length || current.WasCut) ? MapSize(Descriptor, size, current.IsReadOnly, Address) : null;
    }

    private protected override long CurrentSize(MappedRegion current) => Status(Descriptor, Address).Size;

    /// <summary>Opens a file with the requested access. The default is writing, or reading if the mode forbids writing.</summary>
    private protected static SafeDescriptor OpenFile(string path, ref IpcAccess access, IpcAddress address, int flags = 0)
    {
        RequireFile(path, address, followLinks: (flags & Libc.O_NOFOLLOW) == 0);
        // A mapping that can be written can also be read.
        var writes = access == IpcAccess.Default || access.HasFlag(IpcAccess.Write);
        var fd = Libc.open(path, (writes ? Libc.O_RDWR : Libc.O_RDONLY) | Libc.O_CLOEXEC | Libc.O_NONBLOCK | flags, 0);
        if (fd < 0 && access == IpcAccess.Default && Marshal.GetLastPInvokeError() is Errno.EACCES or Errno.EROFS or Errno.EPERM)
        {
            writes = false;
            fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK | flags, 0);
        }
        if (fd < 0) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
        access = writes ? IpcAccess.ReadWrite : IpcAccess.Read;
        return new SafeDescriptor(fd);
    }

    /// <summary>Throws if the path is not a regular file.</summary>
    private protected static void RequireFile(string path, IpcAddress address, bool followLinks)
    {
        if (FileStatus.TryOf(path, followLinks) is not { } status)
            throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
        if (!status.IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a regular file.", address.Text);
    }

    /// <summary>Creates a file of a size. No process can open it before it is complete, if the file system allows that.</summary>
    private protected static SafeDescriptor CreateFile(
        string path, long size, UnixFileMode mode, bool sparse, IpcAddress address, CancellationToken cancellation)
    {
        RequireSize(size, address);
        if (Path.Exists(path)) throw IpcException.FromErrno("open", Errno.EEXIST, address.Text);
        var file = AtomicFile.Create(Path.GetDirectoryName(path)!, mode, address.Text);
        var isPublished = file is null;
        file ??= AtomicFile.CreateInPlace(path, mode, address.Text);
        try
        {
            if (sparse) FileAllocation.Extend(file, size, address);
            else FileAllocation.Reserve(file, 0, size, address, cancellation);
            if (!isPublished) AtomicFile.Publish(file, path, address.Text);
            return file;
        }
        catch
        {
            if (isPublished) _ = Libc.unlink(path);
            file.Dispose();
            throw;
        }
    }

    private protected static MappedRegion MapSize(SafeDescriptor descriptor, long size, bool isReadOnly, IpcAddress address)
    {
        try
        {
            return MappedRegion.Map(descriptor, size, isReadOnly, address.Text);
        }
        catch (IpcException e) when (e.Errno is Errno.ENOMEM or Errno.EINVAL or Errno.EOVERFLOW)
        {
            throw new IpcException(IpcErrors.LimitReached,
                $"'{address}' has {size} bytes, which do not fit into this process's address space.", address.Text,
                "A process can map up to 128 TiB. 'ulimit -v' may be lower.", e);
        }
    }

    private protected static FileStatus Status(SafeDescriptor descriptor, IpcAddress address)
    {
        try
        {
            return FileStatus.Of(descriptor, address.Text);
        }
        catch (ObjectDisposedException)
        {
            throw new IpcException(IpcErrors.Closed, $"'{address}' was closed.", address.Text) { Advice = IpcAdvice.OpenAgain };
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Descriptor.Dispose();
    }

    private protected override IIpcPermissions Permissions
    {
        get
        {
            ThrowIfClosed();
            return new FilePermissions(Descriptor, Address.Text);
        }
    }

    private IpcException CannotShrink(int errno) =>
        errno == Errno.EPERM
            ? new IpcException(IpcErrors.NotSupported, $"'{Address}' is sealed, and cannot become smaller.", Address.Text,
                "Create new memory. Anonymous memory can only grow, so that a process that gets it cannot truncate it.")
            : IpcException.FromErrno("ftruncate", errno, Address.Text);
}
