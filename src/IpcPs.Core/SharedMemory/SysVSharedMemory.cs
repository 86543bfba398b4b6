using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.SharedMemory;

/// <summary>A System V shared memory segment (shmget(2)), <c>sysvshm:KEY</c>. It lives until it is removed and the last process has detached it; its size never
/// changes. The kernel counts its attachments and remembers who made it.</summary>
/// <remarks>Calls: shmget(2), shmat(2), shmdt(2), shmctl(2).</remarks>
public sealed unsafe class SysVSharedMemory : SharedMemorySegment
{
    private SysVSharedMemory(IpcAddress address, int id, MappedRegion region) : base(address, region) => Id = id;

    /// <inheritdoc/>
    public override string Kind => "System V shared memory";

    /// <summary>The kernel's id, as ipcs(1) lists it.</summary>
    public int Id { get; }

    /// <inheritdoc/>
    public override UnixFileMode Mode
    {
        get => (UnixFileMode)(Status().Permissions.Mode & 0x1FF);
        set => Change((ref Libc.IpcPerm permissions) => permissions.Mode = (ushort)value, "Only the owner, the creator and root may change the mode.");
    }

    /// <inheritdoc/>
    public override string Owner
    {
        get => Accounts.UserName(Status().Permissions.UserId);
        set
        {
            var id = Accounts.UserId(value);
            Change((ref Libc.IpcPerm permissions) => permissions.UserId = id, "Only the owner, the creator and root may give it away.");
        }
    }

    /// <inheritdoc/>
    public override string Group
    {
        get => Accounts.GroupName(Status().Permissions.GroupId);
        set
        {
            var id = Accounts.GroupId(value);
            Change((ref Libc.IpcPerm permissions) => permissions.GroupId = id, "Only the owner, the creator and root may change the group.");
        }
    }

    /// <inheritdoc/>
    public override long? AttachCount => (long)Status().Attached;

    /// <inheritdoc/>
    public override int? CreatorId => Status().CreatorId;

    /// <inheritdoc/>
    public override int? LastProcessId => Status().LastProcessId;

    /// <summary>Whether it was removed, and is kept only by those who have it attached.</summary>
    public bool IsRemoved => (Status().Permissions.Mode & Libc.SHM_DEST) != 0;

    /// <summary>Creates a segment of zeros. Without a key it is private: found by its id only, <c>sysvshm:id=N</c>.</summary>
    /// <param name="address"><c>sysvshm:KEY</c>, or null for a private one.</param>
    /// <param name="size">Bytes; the kernel rounds the memory, not the size, up to pages.</param>
    /// <param name="mode">Permissions.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (kernel.shmmax, shmall, shmmni),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SysVSharedMemory Create(IpcAddress? address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        if (size <= 0) throw IpcException.Argument($"Shared memory has at least one byte, and {size} were asked for.", address?.Text);
        if (address?.Key?.Id is not null) throw IpcException.Argument("The kernel chooses the id of a private segment; give a key, or none.", address.Text);
        var id = Libc.shmget(address?.Key!.Resolve() ?? Libc.IPC_PRIVATE, (nuint)size, Libc.IPC_CREAT | Libc.IPC_EXCL | (int)mode);
        if (id < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), size, address);
        address ??= IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"sysvshm:id={id}"));
        try
        {
            return Attach(id, IpcAccess.ReadWrite, address);
        }
        catch
        {
            _ = Libc.shmctl(id, Libc.IPC_RMID, null);
            throw;
        }
    }

    /// <summary>Attaches a segment that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static SysVSharedMemory Open(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Attach(FindId(address), access, address);
    }

    /// <inheritdoc/>
    public override void Resize(long size, CancellationToken cancellation = default) =>
        throw new IpcException(IpcErrors.NotSupported, "The size of a System V segment never changes.", Address.Text, "Create a new one, or use POSIX shared memory.") { Advice = IpcAdvice.UsePosixMemory };

    internal static bool Exists(IpcAddress address)
    {
        if (address.Key!.Id is { } id)
        {
            Libc.SharedMemoryStatus status;
            return Libc.shmctl(id, Libc.IPC_STAT, &status) == 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
        }
        return Libc.shmget(address.Key.Resolve(), 0, 0) >= 0 || Marshal.GetLastPInvokeError() == Errno.EACCES;
    }

    internal static void Remove(IpcAddress address)
    {
        if (Libc.shmctl(FindId(address), Libc.IPC_RMID, null) != 0) throw Translate("shmctl", Marshal.GetLastPInvokeError(), address);
    }

    private static int FindId(IpcAddress address)
    {
        if (address.Key!.Id is { } known) return known;
        var id = Libc.shmget(address.Key.Resolve(), 0, 0);
        return id >= 0 ? id : throw Translate("shmget", Marshal.GetLastPInvokeError(), address);
    }

    private static SysVSharedMemory Attach(int id, IpcAccess access, IpcAddress address)
    {
        var readOnly = access == IpcAccess.Read;
        var at = Libc.shmat(id, null, readOnly ? Libc.SHM_RDONLY : 0);
        if (at == Libc.MAP_FAILED && access == IpcAccess.Default && Marshal.GetLastPInvokeError() == Errno.EACCES)
        {
            readOnly = true;
            at = Libc.shmat(id, null, Libc.SHM_RDONLY);
        }
        if (at == Libc.MAP_FAILED) throw Translate("shmat", Marshal.GetLastPInvokeError(), address);
        try
        {
            return new SysVSharedMemory(address, id, new Attachment((nint)at, (long)Status(id, address).Size, readOnly));
        }
        catch
        {
            _ = Libc.shmdt(at);
            throw;
        }
    }

    private Libc.SharedMemoryStatus Status()
    {
        ThrowIfClosed();
        return Status(Id, Address);
    }

    private void Change(PermissionChange change, string hint)
    {
        var status = Status();
        change(ref status.Permissions);
        if (Libc.shmctl(Id, Libc.IPC_SET, &status) != 0) throw IpcException.FromErrno("shmctl", Marshal.GetLastPInvokeError(), Address.Text, hint);
    }

    private static Libc.SharedMemoryStatus Status(int id, IpcAddress address)
    {
        Libc.SharedMemoryStatus status;
        return Libc.shmctl(id, Libc.IPC_STAT, &status) == 0 ? status : throw Translate("shmctl", Marshal.GetLastPInvokeError(), address);
    }

    // An id that is no longer one gives EINVAL.
    private static IpcException Translate(string call, int errno, IpcAddress address) =>
        errno is Errno.EINVAL or Errno.EIDRM
            ? IpcException.FromErrno(call, errno, address.Text, "Check the key.", IpcErrors.NotFound, IpcAdvice.CheckAddress)
            : IpcException.FromErrno(call, errno, address.Text);

    private static IpcException CreateFailed(int errno, long size, IpcAddress? address) => errno switch
    {
        Errno.EINVAL => Limit($"A segment of {size} bytes is more than kernel.shmmax allows, {Sysctl.Describe("kernel.shmmax")} bytes.", "Raise it with 'sysctl kernel.shmmax=…'.", errno, address),
        Errno.ENOSPC => Limit($"With {size} bytes more the machine would have more segments, or more memory in them, than kernel.shmmni ({Sysctl.Describe("kernel.shmmni")} segments) and kernel.shmall ({Sysctl.Describe("kernel.shmall")} pages) allow.",
            "Remove segments that no process needs, or raise them with sysctl.", errno, address, IpcAdvice.RemoveUnused),
        Errno.ENOMEM => Limit($"The kernel has no memory for a segment of {size} bytes.", "Ask for less.", errno, address),
        _ => IpcException.FromErrno("shmget", errno, address?.Text),
    };

    private static IpcException Limit(string message, string hint, int errno, IpcAddress? address, IpcAdvice advice = IpcAdvice.None) =>
        new(IpcErrors.LimitReached, message, address?.Text, hint) { Errno = errno, Call = "shmget", Advice = advice };

    /// <summary>A mapping that shmdt(2) ends.</summary>
    private sealed class Attachment(nint address, long length, bool isReadOnly) : MappedRegion(address, length, isReadOnly, isGuarded: false)
    {
        protected override bool ReleaseHandle() => Libc.shmdt((void*)handle) == 0;
    }
}
