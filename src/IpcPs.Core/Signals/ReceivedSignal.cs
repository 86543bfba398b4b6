using System.Globalization;
using IpcPs.Signals.Native;

namespace IpcPs.Signals;

/// <summary>A signal that this process received, and all that the kernel says of it.</summary>
/// <remarks>An EventArgs, so that it is <c>$Event.SourceEventArgs</c> in a PowerShell event.</remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1710", Justification = "What a wait for a signal returns first of all; that it can travel in an event is second.")]
public sealed class ReceivedSignal : EventArgs
{
    private readonly SignalRecord _record;

    internal ReceivedSignal(in SignalRecord record) => _record = record;

    /// <summary>Which signal; prints as its name, and <c>-eq 'TERM'</c> works.</summary>
    public Signal Signal => new(_record.Number);

    /// <summary>Its number.</summary>
    public int Number => _record.Number;

    /// <summary>Where it came from.</summary>
    public SignalOrigin Origin => _record.Origin;

    /// <summary>The process that sent it (for CHLD: the child); null where the kernel was the sender or doesn't know. 0 is a process outside of this
    /// container's process namespace.</summary>
    public int? SenderId => SignalCodes.HasSender(_record.Origin) ? _record.ProcessId : null;

    /// <summary>The number of the sender's user; null where there is no sender.</summary>
    public uint? SenderUserId => SignalCodes.HasSender(_record.Origin) ? _record.UserId : null;

    /// <summary>The name of the sender's user, its number where it has no name; null where there is no sender.</summary>
    public string? SenderUser => SenderUserId is { } id ? Accounts.UserName(id) : null;

    /// <summary>The number that was sent along; null where none was. C programs send an int or a pointer in the same 8 bytes, and the receiver can't know which:
    /// where the upper half is empty this is the signed 32-bit number, else all 64 bits. See <see cref="Value32"/> and <see cref="Value64"/>.</summary>
    public long? Value => !SignalCodes.HasValue(_record.Origin) ? null : _record.Value <= uint.MaxValue ? (int)_record.Value : (long)_record.Value;

    /// <summary>What a C program finds in <c>si_value.sival_int</c>: the low 32 bits, signed.</summary>
    public int? Value32 => SignalCodes.HasValue(_record.Origin) ? (int)_record.Value : null;

    /// <summary>All 64 bits: what a C program finds in <c>si_value.sival_ptr</c>.</summary>
    public long? Value64 => SignalCodes.HasValue(_record.Origin) ? (long)_record.Value : null;

    /// <summary>CHLD: the child's exit code, or the signal that ended or stopped it; else null.</summary>
    public int? Status => _record.Origin == SignalOrigin.Child ? _record.Status : null;

    /// <summary>When it was taken from the kernel, local time: a signal has no time of sending.</summary>
    public DateTime Time => new DateTime(_record.Time, DateTimeKind.Utc).ToLocalTime();

    /// <summary>How many of the same signal were lost just before this one, as the buffer was full; 0 always for real-time signals.</summary>
    public long Lost => _record.Lost;

    /// <summary>"TERM from 1234 (anna)".</summary>
    public override string ToString()
    {
        var text = Signal.Name;
        if (Value is { } value) text += string.Create(CultureInfo.InvariantCulture, $" {value}");
        return SenderId is { } sender ? string.Create(CultureInfo.InvariantCulture, $"{text} from {sender} ({SenderUser})") : text;
    }
}
