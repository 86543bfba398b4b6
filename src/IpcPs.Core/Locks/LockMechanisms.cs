using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.SharedMemory;

namespace IpcPs.Locks;

/// <summary>Opens and removes mutexes by <c>mutex:NAME</c>.</summary>
internal sealed class MutexMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Mutex];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => IpcMutex.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (Libc.unlink(RuntimeFolder.PathOf(address)) != 0)
            throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        Inotify.WaitUntilExists(RuntimeFolder.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => Named(RuntimeFolder.NamesIn(Libc.S_IFREG, out _));

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) =>
        LockInventory.Mutexes(scan, Named(scan.NamesInRuntimeFolder(Libc.S_IFREG)));

    private static IEnumerable<IpcAddress> Named(List<string> files) =>
        from file in files
        where file.EndsWith(IpcAddress.MutexSuffix, StringComparison.Ordinal)
        let name = file[..^IpcAddress.MutexSuffix.Length]
        where IpcAddress.TryParse("mutex:" + name, out _)
        select IpcAddress.Parse("mutex:" + name);
}

/// <summary>Opens and removes POSIX semaphores by <c>sem:/NAME</c>.</summary>
internal sealed class PosixSemaphoreMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Sem];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => PosixSemaphore.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // Without opening it first, so that a damaged semaphore can be removed too.
        if (Libc.unlink(PosixSemaphore.PathOf(address)) != 0)
            throw IpcException.FromErrno("sem_unlink", Marshal.GetLastPInvokeError(), address.Text);
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

/// <summary>Opens and removes System V semaphore sets, <c>sysvsem:KEY</c>.</summary>
internal sealed class SysVSemaphoreMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVSem];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => SysVSemaphoreSet.Open(address);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        SysVSemaphoreSet.Remove(address);
    }

    /// <summary>Looks again and again, because the kernel does not announce a new object.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVSemaphoreSet.Exists(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVSem);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => LockInventory.Sets(scan);
}
