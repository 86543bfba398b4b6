using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a TimeSpan parameter take seconds: <c>-Timeout 2.5</c>. (PowerShell's own conversion would make ticks of a number.)</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TimeoutTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is null or TimeSpan) return value;
        if (value is string text && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? parsed : throw Wrong(text);
        double seconds;
        try
        {
            seconds = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException)
        {
            throw Wrong(value);
        }
        if (double.IsNaN(seconds)) throw Wrong(value);
        // Days beyond what a TimeSpan holds are as good as no time-out; -1 stays negative, to be refused by name later.
        return Math.Abs(seconds) > TimeSpan.MaxValue.TotalSeconds / 2 ? (seconds > 0 ? Timeout.InfiniteTimeSpan : TimeSpan.MinValue) : (object)TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    private static ArgumentTransformationMetadataException Wrong(object value) =>
        new($"A time-out is a number of seconds (2.5) or a TimeSpan, and '{value}' is neither.");
}
