namespace IpcPs.Signals;

/// <summary><c>si_code</c> (sigaction(2)): where a signal came from.</summary>
internal static class SignalCodes
{
    public const int SI_USER = 0;
    public const int SI_KERNEL = 0x80;
    public const int SI_QUEUE = -1;
    public const int SI_TIMER = -2;
    public const int SI_MESGQ = -3;
    public const int SI_ASYNCIO = -4;
    public const int SI_TKILL = -6;

    /// <summary>Our own, negative as the kernel demands: a signal that this process sends itself for the handler it had before ours.</summary>
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

    /// <summary>Whether the sender's process and user are filled in.</summary>
    public static bool HasSender(SignalOrigin origin) => origin is SignalOrigin.Kill or SignalOrigin.Queue or SignalOrigin.ThreadKill or SignalOrigin.MessageQueue or SignalOrigin.Child;

    /// <summary>Whether a value is.</summary>
    public static bool HasValue(SignalOrigin origin) => origin is SignalOrigin.Queue or SignalOrigin.Timer or SignalOrigin.MessageQueue;
}
