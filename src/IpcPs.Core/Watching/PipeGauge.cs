using IpcPs.Inventory;
using IpcPs.Proc;

namespace IpcPs.Watching;

/// <summary>Reads what is in a pipe.</summary>
internal static unsafe class PipeGauge
{
    // Opening a named pipe would make this process a reader of it, which its writers would notice. So a holder's descriptor is copied.
    public static Reading? Read(IpcObjectInfo info)
    {
        foreach (var holder in info.Holders)
        {
            if (holder.How != "open" || Find(holder.ProcessId, info) is not { } number) continue;
            using var end = Copy(holder.ProcessId, number);
            if (end is null) continue;
            int pending;
            var capacity = Libc.fcntl(end, Libc.F_GETPIPE_SZ, 0);
            if (capacity <= 0 || Libc.ioctl(end, Libc.FIONREAD, &pending) != 0) continue;
            return new Reading
            {
                Depth = pending,
                Unit = IpcDepthUnit.Bytes,
                Capacity = capacity,
                IsFull = pending >= Reading.FullBytes * capacity,
                Bytes = pending,
                Counts = IpcRateSource.DepthChanges,
            };
        }
        return new Reading { Unit = IpcDepthUnit.Bytes };
    }

    private static int? Find(int processId, IpcObjectInfo info)
    {
        if (info.Address.ProcessId == processId) return info.Address.Descriptor;
        if (info.File is null) return null;
        try
        {
            foreach (var number in ProcFile.Numbers(ProcFile.Process(processId) + "/fd"))
            {
                if (ProcFile.ReadLink(ProcFile.Descriptor(processId, number)) == info.File) return number;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
        }
        return null;
    }

    private static SafeDescriptor? Copy(int processId, int number)
    {
        var process = Libc.pidfd_open(processId, 0);
        if (process < 0) return null;
        using var pidfd = new SafeDescriptor(process);
        var copy = Libc.pidfd_getfd(process, number);
        return copy < 0 ? null : new SafeDescriptor(copy);
    }
}
