using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>Opens and removes POSIX message queues by <c>mq:/NAME</c>.</summary>
internal sealed class PosixQueueMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Mq];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        PosixQueue.OpenExisting(address, options.Access);

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access) =>
        PosixQueue.Adopt(descriptor, info, known, access);

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new QueueTransportFactory()];

    public override void Remove(IpcAddress address) => PosixQueue.Remove(address);

    /// <summary>Waits with inotify(7) where the queues can be seen as files; looks again and again elsewhere.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (PosixQueue.Exists(address)) return;
        using var folder = QueueFolder.TryOpen();
        if (folder is not null && ShowsOurs(folder)) Inotify.WaitUntilExists($"{folder.Path}/{address.Name}", address.Text, wait);
        else PollWithBackoff.Until(() => PosixQueue.Exists(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known()
    {
        using var folder = QueueFolder.TryOpen();
        if (folder is null) return [];
        var known = new List<IpcAddress>();
        foreach (var name in FileStatus.NamesIn(folder.Path, Libc.S_IFREG))
        {
            if (IpcAddress.TryParse("mq:/" + name, out var address)) known.Add(address!);
        }
        return known;
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => QueueInventory.Posix(scan);

    // Only a queue of this IPC namespace has a descriptor to compare the folder with, so this creates one.
    private static bool ShowsOurs(QueueFolder folder)
    {
        try
        {
            using var probe = PosixQueue.CreateUnnamed(UnnamedTransport.NewAddress(IpcScheme.Mq), maxMessages: 1, maxMessageSize: 1);
            return folder.Shows((SafeDescriptor)probe.HandleToPass!);
        }
        catch (IpcException)
        {
            return false;
        }
    }
}

/// <summary>Opens and removes System V message queues by <c>sysvmq:KEY</c>.</summary>
internal sealed class SysVQueueMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.SysVMq];

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new SysVQueueTransportFactory()];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        SysVQueue.OpenExisting(address, options.Access);

    public override void Remove(IpcAddress address) => SysVQueue.Remove(address);

    /// <summary>Looks again and again: the kernel does not notify any process of a new queue.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        PollWithBackoff.Until(() => SysVQueue.Exists(address), address.Text, wait);
    }

    /// <summary>From /proc/sysvipc/msg (proc_sysvipc(5)).</summary>
    public override IEnumerable<IpcAddress> Known() => SysVTable.Addresses(IpcScheme.SysVMq);

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => QueueInventory.SysV(scan);
}
