using System.Globalization;
using IpcPs.Watching;

namespace IpcPs.Module.Views;

/// <summary>What the tables of samples show, in a terminal and as PowerShell's view.</summary>
public static class SampleText
{
    /// <summary>The depth and the capacity: "3/10", "4KB/64KB"; empty where it has no depth.</summary>
    public static string Depth(IpcSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        if (sample.Depth is not { } depth) return "";
        return sample.Capacity is { } most ? $"{Amount(depth, sample.Unit)}/{Amount(most, sample.Unit)}" : Amount(depth, sample.Unit);
    }

    /// <summary>How full it is, as a bar; empty where it has no capacity.</summary>
    public static string Bar(IpcSample sample, int width)
    {
        ArgumentNullException.ThrowIfNull(sample);
        if (sample.FillPercent is not { } percent) return "";
        var full = (int)Math.Clamp(Math.Ceiling(percent * width / 100), 0, width);
        return new string('\u2588', full) + new string('\u2591', width - full);
    }

    /// <summary>Messages a second. A "~" says that it is at least so many: it is the difference of two depths.</summary>
    public static string Messages(IpcSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        return sample.MessagesPerSecond is { } rate ? Approximately(sample, rate) + Number(rate) : "";
    }

    /// <summary>Bytes a second, in the same way.</summary>
    public static string Bytes(IpcSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        return sample.BytesPerSecond is { } rate ? Approximately(sample, rate) + ObjectText.Bytes(rate) : "";
    }

    /// <summary>What needs attention, in words; else the processes that have it open.</summary>
    public static string Note(IpcSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var notes = new List<string>();
        if (sample.Marks.HasFlag(IpcSampleMarks.Full)) notes.Add("FULL");
        if (sample.Marks.HasFlag(IpcSampleMarks.DeadHolder)) notes.Add($"DEAD {sample.HeldBy}");
        if (sample.HeldFor is { } held)
        {
            var word = sample.Marks.HasFlag(IpcSampleMarks.StuckLock) ? "STUCK" : "held";
            notes.Add($"{word} {Time(held)}" + (sample.HeldBy is { } by ? $" by {Holder(sample, by)}" : ""));
        }
        if (sample.Waiters is > 0 and { } waiters) notes.Add($"{waiters} waiting");
        if (notes.Count == 0 && sample.Marks.HasFlag(IpcSampleMarks.Stale)) notes.Add("stale");
        return string.Join(", ", notes.Count > 0 ? notes : sample.Holders.Select(static h => h.ToString()));
    }

    /// <summary>A number in at most five characters.</summary>
    public static string Number(double number)
    {
        var unit = 0;
        while (number >= 9999.5 && unit < 3)
        {
            number /= 1000;
            unit++;
        }
        return number.ToString(number < 9.95 ? "0.#" : "0", CultureInfo.InvariantCulture) + "\0kMG"[unit].ToString().Trim('\0');
    }

    private static string Approximately(IpcSample sample, double rate) =>
        sample.RateSource == IpcRateSource.DepthChanges && rate > 0 ? "~" : "";

    private static string Amount(long amount, IpcDepthUnit unit) => unit == IpcDepthUnit.Bytes ? ObjectText.Bytes(amount) : Number(amount);

    private static string Holder(IpcSample sample, int id) =>
        sample.Holders.FirstOrDefault(h => h.ProcessId == id)?.ToString() ?? id.ToString(CultureInfo.InvariantCulture);

    private static string Time(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}h{time.Minutes:00}m" : time.TotalMinutes >= 1 ? $"{time.Minutes}m{time.Seconds:00}s"
        : time.TotalSeconds.ToString(time.TotalSeconds < 9.95 ? "0.0" : "0", CultureInfo.InvariantCulture) + "s";
}
