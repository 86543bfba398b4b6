using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>The progress of workers, as records for a progress bar. For one thread.</summary>
internal sealed class WorkerProgress(WorkerGroup group, string activity)
{
    private static readonly long Interval = Stopwatch.Frequency / 4;

    private readonly int _id = activity.GetHashCode(StringComparison.Ordinal) & 0x3fffffff;
    private readonly long _began = Stopwatch.GetTimestamp();
    private long _next = Stopwatch.GetTimestamp() + Interval;
    private bool _shown;

    /// <summary>A record, if the last one is old enough.</summary>
    public ProgressRecord? Next()
    {
        var now = Stopwatch.GetTimestamp();
        if (now < _next) return null;
        _next = now + Interval;
        _shown = true;
        return Record();
    }

    /// <summary>The record that ends the bar; null if none was shown.</summary>
    public ProgressRecord? Last() =>
        _shown ? new ProgressRecord(_id, activity, "Completed") { RecordType = ProgressRecordType.Completed } : null;

    private ProgressRecord Record()
    {
        var total = group.ItemsTotal;
        var (done, failed, inFlight) = (group.ItemsDone, group.ItemsFailed, group.ItemsInFlight);
        var seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds;
        var rate = done / seconds;
        var text = string.Create(CultureInfo.CurrentCulture,
            $"{done:N0}{(total is null ? "" : $" of {total:N0}")} items done, {rate:N1}/s");
        if (failed > 0) text += string.Create(CultureInfo.CurrentCulture, $", {failed:N0} failed");
        text += string.Create(CultureInfo.CurrentCulture, $", {inFlight:N0} in work");
        var record = new ProgressRecord(_id, activity, text);
        if (total is not > 0) return record;
        record.PercentComplete = (int)Math.Min(100, done * 100 / total.Value);
        if (done > 0) record.SecondsRemaining = (int)Math.Min(int.MaxValue, (total.Value - done) / rate);
        return record;
    }
}
