namespace IpcPs.Waiting;

/// <summary>Starts the library's own threads. They do not keep a process alive.</summary>
internal static class BackgroundThread
{
    /// <summary>Starts a thread; null if it could not be started, where the library can do without it.</summary>
    public static Thread? TryStart(string name, ThreadStart run, int stackSize = 0)
    {
        try
        {
            return Start(name, run, stackSize: stackSize);
        }
        catch (IpcException)
        {
            return null;
        }
    }

    /// <summary>Starts a thread.</summary>
    /// <param name="name">Its name, for debuggers.</param>
    /// <param name="run">What it does.</param>
    /// <param name="target">The object that it works for, for the error.</param>
    /// <param name="stackSize">Its stack in bytes; 0 for the default.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: the runtime could not start it. A thread of .NET needs memory,
    /// a place in RLIMIT_NPROC, and sometimes a descriptor.</exception>
    public static Thread Start(string name, ThreadStart run, string? target = null, int stackSize = 0)
    {
        var thread = new Thread(run, stackSize) { IsBackground = true, Name = name };
        try
        {
            thread.Start();
            return thread;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            var forWhat = target is null ? "" : $" for '{target}'";
            throw new IpcException(IpcErrors.LimitReached,
                $"No thread could be started{forWhat}: this process has no descriptor (RLIMIT_NOFILE), no process (RLIMIT_NPROC) or no "
                + "memory left.", target, "Close what is not needed, or raise the limit; 'ulimit -a' shows both.", e);
        }
    }
}
