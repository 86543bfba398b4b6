namespace IpcPs.Signals;

/// <summary>How a signal was sent (<c>si_code</c> of sigaction(2)).</summary>
public enum SignalOrigin
{
    /// <summary>An origin that IpcPs does not know.</summary>
    Other,
    /// <summary>A process called kill(2). There is no value.</summary>
    Kill,
    /// <summary>A process called sigqueue(3), with a value.</summary>
    Queue,
    /// <summary>A thread of this or another process called tgkill(2).</summary>
    ThreadKill,
    /// <summary>A timer of timer_create(2) expired. The value is that of the timer.</summary>
    Timer,
    /// <summary>A message arrived in an empty queue (mq_notify(3)). The value is that of the notification.</summary>
    MessageQueue,
    /// <summary>A read or write in the background has finished.</summary>
    AsyncIO,
    /// <summary>The kernel sent it: a key on the terminal (Ctrl+C), a hangup, a resource limit.</summary>
    Kernel,
    /// <summary>CHLD: a child process ended, stopped or continued.</summary>
    Child,
    /// <summary>Unknown, because the signal was received through .NET, which does not report it.</summary>
    Unknown,
}

/// <summary>The values of <c>si_code</c> (sigaction(2)).</summary>
internal static class SignalCodes
{
    public const int SI_USER = 0;
    public const int SI_KERNEL = 0x80;
    public const int SI_QUEUE = -1;
    public const int SI_TIMER = -2;
    public const int SI_MESGQ = -3;
    public const int SI_ASYNCIO = -4;
    public const int SI_TKILL = -6;

    /// <summary>A code of our own: this process sends itself a signal that its earlier handler is to get. Negative, as the kernel
    /// requires.</summary>
    public const int Pass = unchecked((int)0xA5A5A5A5);

    public static SignalOrigin ToOrigin(int signal, int code) => code switch
    {
        SI_USER => SignalOrigin.Kill,
        SI_QUEUE => SignalOrigin.Queue,
        SI_TIMER => SignalOrigin.Timer,
        SI_MESGQ => SignalOrigin.MessageQueue,
        SI_ASYNCIO => SignalOrigin.AsyncIO,
        SI_TKILL => SignalOrigin.ThreadKill,
        SI_KERNEL => SignalOrigin.Kernel,
        > 0 when signal == SignalTable.SIGCHLD => SignalOrigin.Child,
        > 0 => SignalOrigin.Kernel,
        _ => SignalOrigin.Other,
    };

    /// <summary>Whether the kernel reports the process and user of the sender.</summary>
    public static bool HasSender(SignalOrigin origin) => origin is SignalOrigin.Kill or SignalOrigin.Queue or SignalOrigin.ThreadKill
        or SignalOrigin.MessageQueue or SignalOrigin.Child;

    /// <summary>Whether there is a value.</summary>
    public static bool HasValue(SignalOrigin origin) => origin is SignalOrigin.Queue or SignalOrigin.Timer or SignalOrigin.MessageQueue;
}
