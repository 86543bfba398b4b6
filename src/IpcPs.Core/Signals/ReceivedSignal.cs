using System.Globalization;
using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>A signal that this process received, with all that the kernel reports about it.</summary>
/// <remarks>It derives from EventArgs so that it can be the arguments of an event.</remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1710", Justification = "First of all it is the result of a wait.")]
public sealed class ReceivedSignal : EventArgs
{
    private readonly SignalRecord _record;

    internal ReceivedSignal(in SignalRecord record) => _record = record;

    /// <summary>The signal. It prints as its name.</summary>
    public Signal Signal => new(_record.Number);

    /// <summary>The signal: what was received stands for it.</summary>
    public static implicit operator Signal(ReceivedSignal received) => received.ToSignal();

    /// <inheritdoc cref="Signal"/>
    public Signal ToSignal() => Signal;

    /// <summary>The number of the signal.</summary>
    public int Number => _record.Number;

    /// <summary>How the signal was sent.</summary>
    public SignalOrigin Origin => _record.Origin;

    /// <summary>The id of the process that sent it (for CHLD, of the child). Null if the kernel sent it or does not know the sender. 0 is a
    /// process outside of this container's PID namespace.</summary>
    public int? SenderId => SignalCodes.HasSender(_record.Origin) ? _record.ProcessId : null;

    /// <summary>The id of the sender's user; null if there is no sender.</summary>
    public uint? SenderUserId => SignalCodes.HasSender(_record.Origin) ? _record.UserId : null;

    /// <summary>The name of the sender's user, or the id of a user without a name; null if there is no sender.</summary>
    public string? SenderUser => SenderUserId is { } id ? Accounts.UserName(id) : null;

    /// <summary>The number that was sent with the signal: <c>si_value.sival_int</c> in C. Null if there was none.</summary>
    /// <remarks>C programs send an int or a pointer in the same 8 bytes, and the receiver cannot know which. A program that sends an int
    /// may leave anything in the upper half, so these are the low 32 bits, signed. <see cref="Value64"/> has all of them.</remarks>
    public int? Value => SignalCodes.HasValue(_record.Origin) ? (int)_record.Value : null;

    /// <summary>All 64 bits of the value: <c>si_value.sival_ptr</c> in C.</summary>
    public long? Value64 => SignalCodes.HasValue(_record.Origin) ? (long)_record.Value : null;

    /// <summary>For CHLD, the child's exit code, or the number of the signal that ended or stopped it; else null.</summary>
    public int? Status => _record.Origin == SignalOrigin.Child ? _record.Status : null;

    /// <summary>When it was read from the kernel, in local time. The kernel does not record when a signal was sent.</summary>
    public DateTime Time => new DateTime(_record.Time, DateTimeKind.Utc).ToLocalTime();

    /// <summary>How many of the same signal were lost just before this one because the buffer was full. Always 0 for real-time
    /// signals.</summary>
    public long Lost => _record.Lost;

    /// <summary>Signal, value and sender, such as "TERM from 1234 (anna)".</summary>
    public override string ToString()
    {
        var text = Signal.Name;
        if (Value is { } value) text += string.Create(CultureInfo.InvariantCulture, $" {value}");
        return SenderId is { } sender ? string.Create(CultureInfo.InvariantCulture, $"{text} from {sender} ({SenderUser})") : text;
    }
}
