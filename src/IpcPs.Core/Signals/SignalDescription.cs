using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>A signal of this machine, and what it does.</summary>
public sealed class SignalDescription
{
    internal SignalDescription(
        int number, IReadOnlyList<string> aliases, SignalKind kind, SignalDisposition action, string description, string? whyNot)
    {
        Signal = new Signal(number);
        Aliases = aliases;
        Kind = kind;
        DefaultAction = action;
        Description = description;
        WhyNot = whyNot;
    }

    /// <summary>The signal.</summary>
    public Signal Signal { get; }

    /// <summary>The number.</summary>
    public int Number => Signal.Number;

    /// <summary>The signal: the description stands for it.</summary>
    public static implicit operator Signal(SignalDescription description) => description.ToSignal();

    /// <summary>The name, without SIG.</summary>
    public string Name => Signal.Name;

    /// <summary>Other names of the same number.</summary>
    public IReadOnlyList<string> Aliases { get; }

    /// <summary>Whether it is queued.</summary>
    public SignalKind Kind { get; }

    /// <summary>What the kernel does if the process has changed nothing.</summary>
    public SignalDisposition DefaultAction { get; }

    /// <summary>What the signal means.</summary>
    public string Description { get; }

    /// <inheritdoc cref="Signal"/>
    public Signal ToSignal() => Signal;

    /// <summary>Whether a .NET process can receive it.</summary>
    public bool CanReceive => WhyNot is null;

    /// <summary>Why it cannot be received; null if it can.</summary>
    public string? WhyNot { get; }

    /// <summary>Whether this process has a collector of it, or a subscription to it, now.</summary>
    public bool IsCollected => SignalStream.Find(Number)?.IsInUse ?? false;

    /// <summary>How many of them this process lost because the buffer was full. Real-time signals are not lost.</summary>
    public long Lost => SignalStream.Find(Number)?.Lost ?? 0;

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>The two kinds of signals, and the numbers between them.</summary>
public enum SignalKind
{
    /// <summary>1 to 31. At most one of each is pending, so several that are sent close together arrive as one.</summary>
    Standard,
    /// <summary>Each one that is sent is queued, and arrives in the order of sending and with its value.</summary>
    RealTime,
    /// <summary>Real-time numbers that the C library uses itself.</summary>
    Reserved,
}

/// <summary>What the kernel does by default with a signal (signal(7)).</summary>
public enum SignalDisposition
{
    /// <summary>The process ends.</summary>
    Terminate,
    /// <summary>The process ends and writes a core dump.</summary>
    CoreDump,
    /// <summary>Nothing happens.</summary>
    Ignore,
    /// <summary>The process stops.</summary>
    Stop,
    /// <summary>A stopped process continues.</summary>
    Continue,
}
