namespace IpcPs.Signals;

/// <summary>How a signal came to be (<c>si_code</c> of sigaction(2)).</summary>
public enum SignalOrigin
{
    /// <summary>Not one that the library tells apart.</summary>
    Other,
    /// <summary>A process called kill(2). Standard, without a value.</summary>
    Kill,
    /// <summary>A process called sigqueue(3): with a value.</summary>
    Queue,
    /// <summary>A thread of this or another process called tgkill(2).</summary>
    ThreadKill,
    /// <summary>A timer of timer_create(2) expired: with the timer's value.</summary>
    Timer,
    /// <summary>A message came to an empty queue (mq_notify(3)): with the notification's value.</summary>
    MessageQueue,
    /// <summary>A read or write in the background is done.</summary>
    AsyncIO,
    /// <summary>The kernel: a key on the terminal (Ctrl+C), a hang-up, a resource limit.</summary>
    Kernel,
    /// <summary>CHLD: a child process ended, stopped or went on.</summary>
    Child,
    /// <summary>Unknown, as the signal was received through .NET, which doesn't say.</summary>
    Unknown,
}
