using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>What there is to know about a signal of this machine.</summary>
public sealed class SignalDescription
{
    internal SignalDescription(int number, IReadOnlyList<string> aliases, SignalKind kind, SignalDisposition action, string description, string? whyNot)
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

    /// <summary>Its number.</summary>
    public int Number => Signal.Number;

    /// <summary>Its name, without SIG.</summary>
    public string Name => Signal.Name;

    /// <summary>Other names for the same number.</summary>
    public IReadOnlyList<string> Aliases { get; }

    /// <summary>Whether it queues.</summary>
    public SignalKind Kind { get; }

    /// <summary>What happens in a process that has said nothing about it.</summary>
    public SignalDisposition DefaultAction { get; }

    /// <summary>What it means.</summary>
    public string Description { get; }

    /// <summary>Whether a PowerShell session can receive it.</summary>
    public bool CanReceive => WhyNot is null;

    /// <summary>Why it can't be received; null where it can.</summary>
    public string? WhyNot { get; }

    /// <summary>Whether IpcPs collects it in this process now, or reports it as an event.</summary>
    public bool IsCollected => SignalStreams.Find(Number)?.IsInUse ?? false;

    /// <summary>How many of it were lost in this process: a standard signal's buffer was full. Real-time signals are not lost.</summary>
    public long Lost => SignalStreams.Find(Number)?.Lost ?? 0;

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
