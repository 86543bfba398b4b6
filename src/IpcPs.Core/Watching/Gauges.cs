using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Locks;
using IpcPs.Proc;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Watching;

/// <summary>Reads one object of each mechanism.</summary>
internal static unsafe class Gauges
{
    // How much of a ring is read to learn the size of its messages.
    private const int RingWindow = 4096;

    /// <summary>Reads an object.</summary>
    /// <returns>Null if it is gone.</returns>
    public static Reading? Read(IpcObjectInfo info, SampleTables tables) => info.Address.Scheme switch
    {
        IpcScheme.Mq => PosixQueue(info),
        IpcScheme.SysVMq => SysVQueue(info),
        IpcScheme.Ring => Ring(info),
        IpcScheme.Fifo or IpcScheme.Pipe => PipeGauge.Read(info),
        IpcScheme.Mutex => Mutex(info, tables),
        IpcScheme.Sem => PosixSemaphore(info),
        IpcScheme.SysVSem => SysVSemaphores(info),
        IpcScheme.Tcp or IpcScheme.Udp or IpcScheme.Unix => tables.Sockets.Read(info),
        IpcScheme.Nats or IpcScheme.Tls => BrokerQueue(tables.BrokerQueue(info.Address)),
        _ => Segment(info),
    };

    private static Reading? PosixQueue(IpcObjectInfo info)
    {
        var fd = Libc.mq_open("/" + info.Address.Name, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0, null);
        if (fd < 0) return Unreadable(info);
        using var queue = new SafeDescriptor(fd);
        Libc.MqAttributes attributes;
        if (Libc.mq_getattr(queue, &attributes) != 0) return Unreadable(info);
        return new Reading
        {
            Depth = attributes.CurrentMessages,
            Unit = IpcDepthUnit.Messages,
            Capacity = attributes.MaxMessages,
            IsFull = attributes.CurrentMessages >= attributes.MaxMessages,
            Messages = attributes.CurrentMessages,
            Bytes = attributes.CurrentMessages == 0 ? 0 : QueueInventory.BytesIn(queue),
            Counts = IpcRateSource.DepthChanges,
        };
    }

    private static Reading? SysVQueue(IpcObjectInfo info)
    {
        Libc.MessageQueueStatus status;
        if (info.Identity is not long id || Libc.msgctl((int)id, Libc.IPC_STAT, &status) != 0) return Unreadable(info);
        var (messages, bytes, most) = ((long)status.CurrentMessages, (long)status.CurrentBytes, (long)status.MaxBytes);
        return new Reading
        {
            Depth = messages,
            Unit = IpcDepthUnit.Messages,
            // The kernel limits the bytes: this is how many messages of the present size there can be. It also limits the messages to the
            // number of the bytes.
            Capacity = messages > 0 && bytes > 0 ? Math.Max(messages, most * messages / bytes) : most,
            IsFull = messages > 0 && (bytes + (bytes / messages) > most || messages >= most),
            Messages = messages,
            Bytes = bytes,
            Counts = IpcRateSource.DepthChanges,
        };
    }

    private static Reading? Ring(IpcObjectInfo info)
    {
        using var file = Open(info.File);
        if (file is null) return Unreadable(info);
        if (RingSnapshot.Read(file) is not { } ring) return new Reading();
        var (delivery, capacity, head, tail) = ring;
        var pending = ring.Pending;
        return new Reading
        {
            Depth = pending,
            Unit = IpcDepthUnit.Bytes,
            Capacity = capacity,
            // A broadcast that drops messages makes no sender wait.
            IsFull = delivery != RingDelivery.BroadcastDropOldest && pending >= Reading.FullBytes * capacity,
            // The number of the next message. Other rings have no numbers.
            Messages = delivery == RingDelivery.BroadcastDropOldest ? (uint)(Header(file, tail, capacity) >> 32) : null,
            MessageSize = pending > 0 ? MeanRecord(file, head, Math.Min(pending, RingWindow), capacity) : null,
            Bytes = tail,
            Counts = IpcRateSource.RingPositions,
        };
    }

    private static long Header(SafeDescriptor file, long position, long capacity)
    {
        long header;
        return Libc.pread(file, &header, sizeof(long), RingLayout.DataOffset + (position & (capacity - 1))) == sizeof(long) ? header : 0;
    }

    private static double? MeanRecord(SafeDescriptor file, long from, long window, long capacity)
    {
        var (at, records) = (from, 0);
        while (at < from + window)
        {
            var length = (uint)Header(file, at, capacity);
            // A writer may overwrite what is read here.
            if (length > capacity) return null;
            at += RingLayout.RecordSize(length);
            records++;
        }
        return records == 0 ? null : (double)(at - from) / records;
    }

    private static Reading? Mutex(IpcObjectInfo info, SampleTables tables)
    {
        using var file = Open(info.File);
        if (file is null) return Unreadable(info);
        if (MutexFileRecord.Read(file, out var record) != 0 || !record.IsValid) return new Reading();
        var (locker, waiters) = info.Identity is FileId id && tables.FileLocks.TryGetValue(id, out var found) ? found : default;
        var died = record.ProcessId != 0 && locker is null && ProcessStat.TryRead(record.ProcessId) is not { HasEnded: false };
        var held = locker is not null || (record.ProcessId != 0 && !died);
        return new Reading
        {
            IsHeld = held,
            // The record is written at each acquire, so the file's time is that of the acquire. Other programs do not write it.
            HolderId = record.ProcessId != 0 ? record.ProcessId : locker,
            HeldSince = record.ProcessId != 0 ? FileStatus.TryOf(file)?.Modified : null,
            HolderDied = died,
            Waiters = waiters,
        };
    }

    // glibc's sem_t: the value, and the number of threads that wait.
    private static Reading? PosixSemaphore(IpcObjectInfo info)
    {
        using var file = Open(info.File);
        if (file is null) return Unreadable(info);
        var words = stackalloc uint[2];
        if (Libc.pread(file, words, 2 * sizeof(uint), 0) != 2 * sizeof(uint)) return new Reading();
        return Semaphore(words[0], (int)words[1], null);
    }

    private static Reading? SysVSemaphores(IpcObjectInfo info)
    {
        if (info.Identity is not long id || info.Depth is not { } count) return Unreadable(info);
        long value = 0;
        var waiters = 0;
        int? user = null;
        for (var i = 0; i < count; i++)
        {
            var one = Libc.semctl((int)id, i, Libc.GETVAL, null);
            if (one < 0) return Unreadable(info);
            value += one;
            if (one > 0 || Libc.semctl((int)id, i, Libc.GETNCNT, null) is not (> 0 and var waiting)) continue;
            waiters += waiting;
            user ??= Libc.semctl((int)id, i, Libc.GETPID, null);
        }
        return Semaphore(value, waiters, user is > 0 ? user : null);
    }

    private static Reading Semaphore(long value, int waiters, int? user) => new()
    {
        Depth = value,
        Unit = IpcDepthUnit.Value,
        Messages = value,
        Counts = IpcRateSource.DepthChanges,
        IsHeld = waiters > 0,
        HolderId = user,
        HolderDied = user is { } id && ProcessStat.TryRead(id) is not { HasEnded: false },
        Waiters = waiters,
    };

    private static Reading? BrokerQueue(IpcObjectInfo? now) => now is null ? null : new Reading
    {
        Depth = now.Depth,
        Unit = IpcDepthUnit.Messages,
        Capacity = now.Capacity,
        IsFull = now.IsFull,
        Messages = now.Depth,
        Bytes = now.Size,
        Counts = IpcRateSource.DepthChanges,
    };

    private static Reading? Segment(IpcObjectInfo info) =>
        info.File is { } path && info.Address.Scheme != IpcScheme.MemFd && FileStatus.TryOf(path, followLinks: true) is null ? null
            : new Reading { Depth = info.Size, Unit = IpcDepthUnit.Bytes };

    private static SafeDescriptor? Open(string? path)
    {
        if (path is null) return null;
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        return fd < 0 ? null : new SafeDescriptor(fd);
    }

    // Gone; or there, but not for this user.
    private static Reading? Unreadable(IpcObjectInfo info) =>
        Marshal.GetLastPInvokeError() is Errno.ENOENT or Errno.EINVAL or Errno.EIDRM ? null : new Reading { Depth = info.Depth };
}
