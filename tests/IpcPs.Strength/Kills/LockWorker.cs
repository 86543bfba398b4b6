using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.SharedMemory;

namespace IpcPs.Strength.Kills;

/// <summary>Acquires a lock, notes that it holds it, and releases it, without end: <c>kill-locker LOCK MEMORY</c>.</summary>
internal sealed class LockWorker : IWorker
{
    /// <summary>The cells, of 8 bytes: how often the lock was acquired; the process that holds it, or 0; how often the one noted there
    /// was alive when another one had acquired the lock.</summary>
    public const int Count = 0, Holder = 8, Shared = 16;

    public string Name => "kill-locker";

    public void Run(string[] args)
    {
        using var exclusion = (IpcLock)IpcMechanisms.Open(IpcAddress.Parse(args[0]));
        using var memory = (SharedMemorySegment)IpcMechanisms.Open(IpcAddress.Parse(args[1]));
        Console.WriteLine("ready");
        Console.ReadLine();
        var own = (long)Environment.ProcessId;
        while (true)
        {
            exclusion.Acquire();
            var before = memory.Exchange(Holder, own);
            if (before != 0 && before != own && File.Exists($"/proc/{before}/fd/0")) memory.Add(Shared, 1L);
            memory.Add(Count, 1L);
            memory.CompareExchange(Holder, 0L, own);
            exclusion.Release();
        }
    }
}
