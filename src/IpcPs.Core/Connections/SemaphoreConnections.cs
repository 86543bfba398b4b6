using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Proc;

namespace IpcPs.Connections;

/// <summary>Finds which processes use the same semaphore, and which ones wait for it. A POSIX semaphore has no holder. Of a System V
/// semaphore the kernel records the process that changed it last: where its value is 0, that one has acquired it.</summary>
internal static class SemaphoreConnections
{
    public static void AddTo(ConnectionScan scan)
    {
        if (scan.IsWanted(IpcScheme.Sem))
        {
            foreach (var semaphore in LockInventory.Semaphores(scan.Inventory)) AddPosix(scan, semaphore);
        }
        if (!scan.IsWanted(IpcScheme.SysVSem)) return;
        foreach (var row in scan.Inventory.SysVRows(IpcScheme.SysVSem)) AddSet(scan, row);
    }

    private static void AddPosix(ConnectionScan scan, IpcObjectInfo semaphore)
    {
        var users = semaphore.Holders.Select(static h => h.ProcessId).Distinct().ToList();
        var kind = ConnectionScan.Through(semaphore.Kind, IpcScheme.Sem, semaphore.Address);
        var waiting = new List<int>();
        if (users.Count > 1 && semaphore is { Depth: 0, Identity: FileId file }) waiting = users.FindAll(id => IsWaiting(scan, id, file));
        // Any other process that has it open may release it.
        foreach (var id in waiting)
        {
            foreach (var other in users.Except(waiting)) scan.Add(id, other, kind with { State = IpcConnectionState.Waits });
        }
        scan.AddPairs([.. users.Except(waiting)], kind);
    }

    // It sleeps on a futex in its mapping of the semaphore.
    private static bool IsWaiting(ConnectionScan scan, int process, FileId file)
    {
        var calls = scan.Calls.Where(c => c.ProcessId == process && c.Call.IsFutex).ToList();
        if (calls.Count == 0) return false;
        var buffer = new byte[16 * 1024];
        var read = ProcFile.Read(ProcFile.Process(process) + "/maps", ref buffer);
        return read > 0 && calls.Exists(c => Mapping.Contains(buffer.AsSpan(0, read), file, c.Call.First));
    }

    private static void AddSet(ConnectionScan scan, SysVRow row)
    {
        var kind = ConnectionScan.Through("System V semaphore set", IpcScheme.SysVSem, row.Address);
        var semaphores = LockInventory.StateOf((int)row.Id, (int)row["nsems"]);
        var requests = scan.Calls.Where(c => c.Call.IsSemop && (long)c.Call.First == row.Id).ToList();
        if (semaphores.Sum(static s => s.Waiters) > requests.Count)
        {
            scan.Inventory.AddProblem("semaphores", "some processes that wait for a System V semaphore are not listed: this user may "
                + "not see their system calls (kernel.yama.ptrace_scope)");
        }
        var waiting = new HashSet<int>();
        foreach (var request in requests)
        {
            foreach (var operation in OperationsOf(request))
            {
                if (operation.Number >= semaphores.Count || operation.Change > 0) continue;
                var semaphore = semaphores[operation.Number];
                var mustWait = operation.Change == 0 ? semaphore.Value != 0 : semaphore.Value < -operation.Change;
                if (!mustWait || !scan.Processes.IsAlive(semaphore.LastUser)) continue;
                waiting.Add(request.ProcessId);
                scan.Add(request.ProcessId, semaphore.LastUser, kind with
                {
                    State = IpcConnectionState.Waits,
                    // A process that waits for zero does not wait for the one that changed it last.
                    IsForHolder = operation.Change < 0,
                    AddressText = semaphores.Count == 1 ? kind.AddressText : $"{kind.AddressText} [{operation.Number}]",
                });
            }
        }
        var users = semaphores.Select(static s => s.LastUser).Where(id => scan.Processes.IsAlive(id) && !waiting.Contains(id)).Distinct();
        scan.AddPairs([.. users], kind);
    }

    // None where this user may not read its memory.
    private static Libc.SemaphoreOperation[] OperationsOf(WaitingThread request)
    {
        var operations = new Libc.SemaphoreOperation[Math.Min((int)request.Call.Third, 64)];
        return ProcessMemory.TryRead(request.Folder, request.Call.Second, MemoryMarshal.AsBytes(operations.AsSpan())) ? operations : [];
    }
}
