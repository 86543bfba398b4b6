using System.Runtime.InteropServices;
using IpcPs.Files;

namespace IpcPs.SharedMemory;

/// <summary>Shared memory that has a descriptor: POSIX, a mapped file, a memfd. Each differs only in where it is found.</summary>
/// <remarks>Calls: fallocate(2), ftruncate(2), statx(2), mmap(2).</remarks>
public abstract unsafe class FileBackedMemory : SharedMemorySegment, IIpcCapacity
{
    private protected FileBackedMemory(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, region) => Descriptor = descriptor;

    /// <summary>The open file: what is passed to another process (SCM_RIGHTS, inheritance) instead of a name.</summary>
    public SafeDescriptor Descriptor { get; }

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => Descriptor;

    /// <inheritdoc/>
    public override UnixFileMode Mode
    {
        get => FileStatus.Of(OpenDescriptor, Address.Text).Mode;
        set => FilePermissions.SetMode(OpenDescriptor, value, Address.Text);
    }

    /// <inheritdoc/>
    public override string Owner
    {
        get => FileStatus.Of(OpenDescriptor, Address.Text).Owner;
        set => FilePermissions.SetOwner(OpenDescriptor, value, Address.Text);
    }

    /// <inheritdoc/>
    public override string Group
    {
        get => FileStatus.Of(OpenDescriptor, Address.Text).Group;
        set => FilePermissions.SetGroup(OpenDescriptor, value, Address.Text);
    }

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
        if (size <= 0) throw IpcException.Argument($"A size of {size} bytes is none.", Address.Text);
        if (IsReadOnly) throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is open for reading only.", Address.Text, "Open it with access ReadWrite.") { Advice = IpcAdvice.OpenWithAccess };
        var before = Status(Descriptor, Address).Size;
        try
        {
            if (size > before) FileAllocation.Reserve(Descriptor, before, size, Address, cancellation);
            else if (Libc.ftruncate(Descriptor, size) != 0) throw CannotShrink(Marshal.GetLastPInvokeError());
        }
        catch when (size > before)
        {
            // Some file systems enlarge step by step.
            _ = Libc.ftruncate(Descriptor, before);
            throw;
        }
        Refresh();
    }

    private protected static MappedRegion MapAll(SafeDescriptor descriptor, bool isReadOnly, IpcAddress address)
    {
        var status = Status(descriptor, address);
        if (!status.IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{address}' is no file with bytes of its own.", address.Text);
        if (status.Size == 0)
            throw new IpcException(IpcErrors.InvalidOperation, $"'{address}' has no bytes: whoever created it has not set its size yet.", address.Text, "Let its creator call ftruncate(), or write to the file first.");
        if (status.Size > long.MaxValue) throw new IpcException(IpcErrors.LimitReached, $"'{address}' is too large.", address.Text);
        return MapSize(descriptor, (long)status.Size, isReadOnly, address);
    }

    private protected override MappedRegion? MapAgain(MappedRegion current)
    {
        var size = Status(Descriptor, Address).Size;
        return size != 0 && (size != current.Length || current.WasCut) ? MapSize(Descriptor, size, current.IsReadOnly, Address) : null;
    }

    private protected override long CurrentSize(MappedRegion current) => Status(Descriptor, Address).Size;

    /// <summary>Opens for what was asked; by default for writing, and where the mode forbids that, for reading.</summary>
    private protected static SafeDescriptor OpenFile(string path, ref IpcAccess access, IpcAddress address, int flags = 0)
    {
        RequireFile(path, address, followLinks: (flags & Libc.O_NOFOLLOW) == 0);
        // A mapping that can be written can be read: there is no write-only one.
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

    /// <summary>Throws where the path is not a regular file.</summary>
    private protected static void RequireFile(string path, IpcAddress address, bool followLinks)
    {
        if (FileStatus.TryOf(path, followLinks) is not { } status) throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text);
        if (!status.IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a regular file.", address.Text);
    }

    /// <summary>Makes a file of that size at a path; complete before it can be found, where the file system allows that.</summary>
    private protected static SafeDescriptor CreateFile(string path, long size, UnixFileMode mode, bool sparse, IpcAddress address, CancellationToken cancellation)
    {
        if (size <= 0) throw IpcException.Argument($"Shared memory has at least one byte, and {size} were asked for.", address.Text);
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
            throw new IpcException(IpcErrors.LimitReached, $"'{address}' has {size} bytes, more than this process's address space has room for.", address.Text,
                "A 64-bit process maps up to 128 TiB; 'ulimit -v' may set less.", e);
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

    private SafeDescriptor OpenDescriptor
    {
        get
        {
            ThrowIfClosed();
            return Descriptor;
        }
    }

    private IpcException CannotShrink(int errno) =>
        errno == Errno.EPERM
            ? new IpcException(IpcErrors.NotSupported, $"'{Address}' is sealed against getting smaller.", Address.Text, "Anonymous memory only grows, so that nobody it is passed to can cut it.")
            : IpcException.FromErrno("ftruncate", errno, Address.Text);
}
