using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.SharedMemory;

/// <summary>Shared memory without a name (memfd_create(2)), <c>memfd:PID/FD</c>: gone when the last process has closed it, so nothing is ever left behind. It is
/// passed on as a descriptor, or reached through its owner while that lives. Sealed against getting smaller: nobody can cut it under its users.</summary>
/// <remarks>Calls: memfd_create(2), fcntl(2), open(2) of /proc/PID/fd/FD, and see <see cref="FileBackedMemory"/>.</remarks>
public sealed class AnonymousMemory : FileBackedMemory
{
    private AnonymousMemory(IpcAddress address, SafeDescriptor descriptor, MappedRegion region) : base(address, descriptor, region)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "anonymous shared memory";

    /// <summary>Creates a segment of zeros, all of whose memory is set aside.</summary>
    /// <param name="size">Bytes.</param>
    /// <param name="mode">Permissions: who may open it through /proc.</param>
    /// <param name="sparse">Takes memory page by page as it is touched.</param>
    /// <param name="cancellation">Ends the setting aside of a large segment.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static AnonymousMemory Create(long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool sparse = false, CancellationToken cancellation = default)
    {
        if (size <= 0) throw IpcException.Argument($"Shared memory has at least one byte, and {size} were asked for.");
        var fd = Libc.memfd_create("ipcps", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        if (fd < 0) throw IpcException.FromErrno("memfd_create", Marshal.GetLastPInvokeError(), null);
        var file = new SafeDescriptor(fd);
        var address = IpcAddress.OfDescriptor(IpcScheme.MemFd, Environment.ProcessId, fd);
        try
        {
            if (Libc.fchmod(file, (uint)mode) != 0) throw IpcException.FromErrno("fchmod", Marshal.GetLastPInvokeError(), address.Text);
            if (sparse) FileAllocation.Extend(file, size, address);
            else FileAllocation.Reserve(file, 0, size, address, cancellation);
            if (Libc.fcntl(file, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK) != 0) throw IpcException.FromErrno("fcntl(F_ADD_SEALS)", Marshal.GetLastPInvokeError(), address.Text);
            return new AnonymousMemory(address, file, MapSize(file, size, isReadOnly: false, address));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens another process's segment through /proc/PID/fd/FD.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/> (the owner has ended or closed it), <see cref="IpcErrors.AccessDenied"/>
    /// (another user's process, or the mode), <see cref="IpcErrors.WrongKind"/>.</exception>
    public static AnonymousMemory Open(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var link = ProcFile.Descriptor(address.ProcessId, address.Descriptor);
        // A descriptor of another kind has another link: it is not opened, as that could have effects.
        if (Target(link, address) is { } name && !name.Contains("/memfd:", StringComparison.Ordinal)) throw new IpcException(IpcErrors.WrongKind, $"Descriptor {address.Descriptor} of process {address.ProcessId} is no memfd.", address.Text);
        var file = OpenFile(link, ref access, address);
        try
        {
            return Adopt(file, access, address);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes one of a descriptor that is known to be a memfd; where this throws, it stays the caller's.</summary>
    internal static AnonymousMemory Adopt(SafeDescriptor descriptor, IpcAccess access, IpcAddress? known)
    {
        var address = known ?? IpcAddress.OfDescriptor(IpcScheme.MemFd, Environment.ProcessId, descriptor.Number);
        return new AnonymousMemory(address, descriptor, MapAll(descriptor, !access.HasFlag(IpcAccess.Write), address));
    }

    private static string? Target(string link, IpcAddress address)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
        }
        catch (IOException e)
        {
            throw new IpcException(IpcErrors.NotFound, $"Process {address.ProcessId} has ended, or has closed '{address}'.", address.Text, "Ask its owner for the address of what it has open now.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IpcException(IpcErrors.AccessDenied, $"Process {address.ProcessId} is not this user's, so '{address}' cannot be reached through it.", address.Text, "Have its owner pass the descriptor over a Unix socket.", e);
        }
    }
}
