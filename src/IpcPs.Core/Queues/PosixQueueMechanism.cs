using System.Globalization;
using System.Security.Cryptography;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>Opens and removes POSIX message queues by <c>mq:/NAME</c>.</summary>
internal sealed unsafe class PosixQueueMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Mq];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        PosixQueue.OpenExisting(address, options.Access);

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access) =>
        PosixQueue.Adopt(descriptor, info, known, access);

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new QueueTransportFactory()];

    public override void Remove(IpcAddress address) => PosixQueue.Remove(address);

    /// <summary>By inotify(7) where the queues can be seen as files, else by looking again.</summary>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (PosixQueueOpening.Exists(address)) return;
        using var folder = QueueFolder.TryOpen();
        if (folder is not null && ShowsOurs(folder)) Inotify.WaitUntilExists($"{folder.Path}/{address.Name}", address.Text, wait);
        else PollWithBackoff.Until(() => PosixQueueOpening.Exists(address), address.Text, wait);
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

    // Asked of a queue made for the question: without one there is no descriptor to compare the folder with.
    private static bool ShowsOurs(QueueFolder folder)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"/ipcps-probe-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var attributes = new Libc.MqAttributes { MaxMessages = 1, MaxMessageSize = 1 };
        var fd = Libc.mq_open(name, Libc.O_RDONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, 0x180 /* 0600 */, &attributes);
        if (fd < 0) return false;
        using var probe = new SafeDescriptor(fd);
        _ = Libc.mq_unlink(name);
        return folder.Shows(probe);
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => QueueInventory.Posix(scan);
}
