using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.SharedMemory;

/// <summary>Opens and removes shared memory that has a descriptor: <c>shm:/NAME</c>, <c>file:/path</c>, <c>memfd:PID/FD</c>.</summary>
internal sealed unsafe class SharedMemoryMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Shm, IpcScheme.File, IpcScheme.MemFd];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => address.Scheme switch
    {
        IpcScheme.Shm => PosixSharedMemory.Open(address, options.Access),
        IpcScheme.File => MappedFile.Open(address, options.Access),
        _ => AnonymousMemory.Open(address, options.Access),
    };

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        if (info.FileType != Libc.S_IFREG) return null;
        if (access == IpcAccess.Default) access = info.Access;
        return info.Link.StartsWith("/memfd:", StringComparison.Ordinal) ? AnonymousMemory.Adopt(descriptor, access, known)
            : PosixAddress(info.Link) is { } posix ? PosixSharedMemory.Adopt(descriptor, access, posix)
            : null;
    }

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Scheme == IpcScheme.MemFd) base.Remove(address);
        var path = PathOf(address);
        if (!FileStatus.Of(path, address.Text, "unlink").IsType(Libc.S_IFREG))
            throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a regular file, so it was not removed.", address.Text);
        if (Libc.unlink(path) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Scheme == IpcScheme.MemFd) base.WaitUntilExists(address, wait);
        Inotify.WaitUntilExists(PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known()
    {
        // Semaphores, rings and large messages are in the same folder. Their names are different.
        foreach (var name in FileStatus.NamesIn(PosixSharedMemory.Folder, Libc.S_IFREG))
        {
            if (IsSegment(name) && IpcAddress.TryParse("shm:/" + name, out var address)) yield return address!;
        }
    }

    private static bool IsSegment(string name) =>
        !name.StartsWith("sem.", StringComparison.Ordinal)
        && !name.StartsWith("ipcps-ring.", StringComparison.Ordinal)
        && !LargeMessage.IsName("/" + name);

    // The link of a segment that was removed ends with " (deleted)". No process can open it by its address.
    private static IpcAddress? PosixAddress(string link)
    {
        const string Folder = PosixSharedMemory.Folder + "/";
        return link.StartsWith(Folder, StringComparison.Ordinal) && !link.EndsWith(" (deleted)", StringComparison.Ordinal)
            && IsSegment(link[Folder.Length..]) && IpcAddress.TryParse("shm:/" + link[Folder.Length..], out var address)
            ? address
            : null;
    }

    private static string PathOf(IpcAddress address) => address.Scheme == IpcScheme.Shm ? PosixSharedMemory.PathOf(address) : address.Path!;

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) =>
        MemoryInventory.Posix(scan).Concat(MemoryInventory.Anonymous(scan));
}

/// <summary>Opens and removes System V segments, <c>sysvshm:KEY</c>.</summary>
internal sealed class SysVSharedMemoryMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVShm];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        SysVSharedMemory.Open(address, options.Access);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        SysVSharedMemory.Remove(address);
    }

    /// <summary>Looks again and again, because the kernel does not announce a new object.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVSharedMemory.Exists(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVShm);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => MemoryInventory.SysV(scan);
}
