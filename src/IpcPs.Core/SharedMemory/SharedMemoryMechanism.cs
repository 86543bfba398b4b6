using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Messaging;

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

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access) =>
        info.FileType != Libc.S_IFREG ? null
        : info.Link.StartsWith("/memfd:", StringComparison.Ordinal) ? AnonymousMemory.Adopt(descriptor, access == IpcAccess.Default ? info.Access : access, known)
        : PosixAddress(info.Link) is { } posix ? PosixSharedMemory.Adopt(descriptor, access == IpcAccess.Default ? info.Access : access, posix)
        : null;

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Scheme == IpcScheme.MemFd) base.Remove(address);
        var path = PathOf(address);
        if (!FileStatus.Of(path, address.Text, "unlink").IsType(Libc.S_IFREG)) throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a regular file, and is left alone.", address.Text);
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
        // Semaphores, rings and large messages lie there too, under names of their own.
        foreach (var name in FileStatus.NamesIn(PosixSharedMemory.Folder, Libc.S_IFREG))
        {
            if (IsSegment(name) && IpcAddress.TryParse("shm:/" + name, out var address)) yield return address!;
        }
    }

    private static bool IsSegment(string name) =>
        !name.StartsWith("sem.", StringComparison.Ordinal) && !name.StartsWith("ipcps-ring.", StringComparison.Ordinal) && !LargeMessage.IsName("/" + name);

    // One that was removed has " (deleted)" behind its name, and no address by which anybody could find it.
    private static IpcAddress? PosixAddress(string link)
    {
        const string Folder = PosixSharedMemory.Folder + "/";
        return link.StartsWith(Folder, StringComparison.Ordinal) && !link.EndsWith(" (deleted)", StringComparison.Ordinal)
            && IsSegment(link[Folder.Length..]) && IpcAddress.TryParse("shm:/" + link[Folder.Length..], out var address) ? address : null;
    }

    private static string PathOf(IpcAddress address) => address.Scheme == IpcScheme.Shm ? PosixSharedMemory.PathOf(address) : address.Path!;

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => MemoryInventory.Posix(scan).Concat(MemoryInventory.Anonymous(scan));
}
