using System.Diagnostics;
using System.Management.Automation;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Passes as much progress as a person can see: the first and the last record of an activity, and one every 50 ms between them.
/// Without it, a script that reports every item would fill its job with records.</summary>
internal sealed class ProgressFilter
{
    private static readonly long Interval = Stopwatch.Frequency / 20;

    private readonly Dictionary<int, long> _last = [];

    public bool Passes(ProgressRecord record)
    {
        lock (_last)
        {
            if (record.RecordType == ProgressRecordType.Completed)
            {
                _last.Remove(record.ActivityId);
                return true;
            }
            var now = Stopwatch.GetTimestamp();
            if (_last.TryGetValue(record.ActivityId, out var last) && now - last < Interval) return false;
            _last[record.ActivityId] = now;
            return true;
        }
    }
}
