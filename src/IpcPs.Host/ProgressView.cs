using System.Diagnostics;
using System.Management.Automation;
using System.Text;

namespace IpcPs.Host;

/// <summary>Shows the progress record that was written last, in one line at the bottom of the terminal.</summary>
internal sealed class ProgressView(Screen screen)
{
    private const int BarWidth = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly Lock _lock = new();
    private readonly List<ProgressRecord> _running = [];
    private long _drawnAt;

    public void Update(ProgressRecord record)
    {
        if (!screen.ShowsProgress) return;
        lock (_lock)
        {
            var isNew = _running.RemoveAll(r => r.ActivityId == record.ActivityId) == 0;
            var isDone = record.RecordType == ProgressRecordType.Completed;
            if (!isDone) _running.Add(record);
            // A loop reports more often than anybody can read; what begins and what ends is always shown.
            if (!isNew && !isDone && Stopwatch.GetElapsedTime(_drawnAt) < Pause) return;
            _drawnAt = Stopwatch.GetTimestamp();
            screen.ShowProgress(_running.Count == 0 ? "" : Line(_running[^1]));
        }
    }

    /// <summary>Takes down what a finished pipeline left.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            if (_running.Count == 0) return;
            _running.Clear();
            screen.ShowProgress("");
        }
    }

    private static string Line(ProgressRecord record)
    {
        var line = new StringBuilder(record.Activity);
        if (record.PercentComplete >= 0)
        {
            var filled = Math.Clamp(record.PercentComplete, 0, 100) * BarWidth / 100;
            line.Append(" [").Append('#', filled).Append('.', BarWidth - filled).Append("] ").Append(record.PercentComplete).Append('%');
        }
        foreach (var part in new[] { record.StatusDescription, record.CurrentOperation })
        {
            if (!string.IsNullOrWhiteSpace(part)) line.Append(' ').Append(part);
        }
        if (record.SecondsRemaining >= 0) line.Append(' ').Append(TimeSpan.FromSeconds(record.SecondsRemaining)).Append(" left");
        line.Replace('\n', ' ').Replace('\r', ' ');
        // The last column stays free: a terminal that wraps there would scroll.
        return Cells.Cut(line.ToString(), Math.Max(0, TerminalSize.Width - 1));
    }
}
