namespace IpcPs.Locks;

/// <summary>What this process has taken with SEM_UNDO and not given back, semaphore by semaphore. The kernel keeps the same account, one a process, and settles it when the process
/// ends; but it does not tell, and whoever gives back must know whether to do it with SEM_UNDO or without.</summary>
internal static class SemUndoTracker
{
    private static readonly Dictionary<(int Set, int Index), int> Owed = [];

    /// <summary>Taken.</summary>
    public static void Add(int set, int index, int count)
    {
        if (count == 0) return;
        lock (Owed) Owed[(set, index)] = Owed.GetValueOrDefault((set, index)) + count;
    }

    /// <summary>About to be given back.</summary>
    /// <returns>How many of <paramref name="count"/> are owed.</returns>
    public static int Take(int set, int index, int count)
    {
        lock (Owed)
        {
            var owed = Owed.GetValueOrDefault((set, index));
            var taken = Math.Min(owed, count);
            if (owed == taken) Owed.Remove((set, index));
            else Owed[(set, index)] = owed - taken;
            return taken;
        }
    }

    /// <summary>The kernel has cleared its account.</summary>
    public static void Forget(int set, int index)
    {
        lock (Owed) Owed.Remove((set, index));
    }
}
