using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Relays;

namespace IpcPs.Module.Commands.Relays;

/// <summary>The progress of a relay, as records for a progress bar: the first after a second.</summary>
internal sealed class RelayProgress(IpcRelay relay, string activity)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    private readonly int _id = activity.GetHashCode(StringComparison.Ordinal) & 0x3fffffff;
    private readonly long _began = Stopwatch.GetTimestamp();
    private bool _shown;

    /// <summary>A record; null in the first second.</summary>
    public ProgressRecord? Next()
    {
        if (Stopwatch.GetElapsedTime(_began) < TimeSpan.FromSeconds(1)) return null;
        _shown = true;
        var result = relay.Result;
        var messages = result.Messages is { } there
            ? string.Create(CultureInfo.CurrentCulture, $"{there + (result.MessagesBack ?? 0):N0} messages, ") : "";
        var text = relay.IsOpen
            ? string.Create(CultureInfo.CurrentCulture,
                $"{messages}{result.Bytes + (result.BytesBack ?? 0):N0} bytes, {result.BytesPerSecond / 1e6:N1} MB/s")
            : "waiting for the other side";
        return new ProgressRecord(_id, activity, text) { CurrentOperation = $"{result.From} -> {result.To}" };
    }

    /// <summary>The record that ends the bar; null if none was shown.</summary>
    public ProgressRecord? Last() =>
        _shown ? new ProgressRecord(_id, activity, "Completed") { RecordType = ProgressRecordType.Completed } : null;
}
