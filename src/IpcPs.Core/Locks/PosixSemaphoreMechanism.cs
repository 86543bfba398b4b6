using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.SharedMemory;

namespace IpcPs.Locks;

/// <summary>Opens and removes POSIX semaphores by <c>sem:/NAME</c>.</summary>
internal sealed class PosixSemaphoreMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Sem];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => PosixSemaphore.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // What is damaged must go as well: only its place says what it is.
        if (Libc.unlink(PosixSemaphore.PathOf(address)) != 0) throw IpcException.FromErrno("sem_unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PosixSharedMemory.RequireFolder(address);
        Inotify.WaitUntilExists(PosixSemaphore.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() =>
        from name in FileStatus.NamesIn(PosixSharedMemory.Folder, Libc.S_IFREG)
        where name.StartsWith("sem.", StringComparison.Ordinal) && IpcAddress.TryParse("sem:/" + name[4..], out _)
        select IpcAddress.Parse("sem:/" + name[4..]);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => LockInventory.Semaphores(scan);
}
