namespace IpcPs.Signals;

/// <summary>What the kernel does when a process has said nothing about a signal (signal(7)).</summary>
public enum SignalDisposition
{
    /// <summary>The process ends.</summary>
    Terminate,
    /// <summary>The process ends and leaves a core dump.</summary>
    CoreDump,
    /// <summary>Nothing happens.</summary>
    Ignore,
    /// <summary>The process stops.</summary>
    Stop,
    /// <summary>A stopped process goes on.</summary>
    Continue,
}
