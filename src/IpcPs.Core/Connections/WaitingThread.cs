using IpcPs.Proc;

namespace IpcPs.Connections;

/// <summary>A thread that is in a system call that can wait for another process: of a System V object, a futex or a file lock.</summary>
/// <param name="ProcessId">Its process.</param>
/// <param name="Folder">The thread's folder in /proc.</param>
/// <param name="Call">The call.</param>
internal readonly record struct WaitingThread(int ProcessId, string Folder, ThreadCall Call)
{
    /// <summary>Finds those whose calls this user may see.</summary>
    public static IReadOnlyList<WaitingThread> Find(IEnumerable<int> processes)
    {
        var found = new List<WaitingThread>();
        var buffer = new byte[512];
        foreach (var id in processes)
        {
            try
            {
                foreach (var thread in ProcFile.Numbers(ProcFile.Threads(id)))
                {
                    var folder = ProcFile.Thread(id, thread);
                    var call = ThreadCall.TryRead(folder, ref buffer, out var isReadable);
                    // What the kernel does not show of one thread it does not show of the others.
                    if (!isReadable) break;
                    if (call is { } known && (known.IsSemop || known.IsMsgSnd || known.IsMsgRcv || known.IsFutex || known.IsFcntl))
                        found.Add(new WaitingThread(id, folder, known));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile.
            }
        }
        return found;
    }
}
