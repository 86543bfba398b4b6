namespace IpcPs.Processes;

/// <summary>What a process that was started as a child does about itself.</summary>
public static class CurrentProcess
{
    /// <summary>Ends this process and everything in its process group, now: for one whose parent is gone and whose work does not end (kill(2)).</summary>
    public static void KillGroup() => _ = Libc.kill(0, Libc.SIGKILL);
}
