using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a TimeSpan parameter accept seconds: <c>-Timeout 2.5</c>. PowerShell's own conversion reads a number as ticks.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TimeoutTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = Unwrapped.Value(inputData);
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
        // More seconds than a TimeSpan holds are no timeout. A negative number stays negative; the command rejects it with an error id.
        if (Math.Abs(seconds) > TimeSpan.MaxValue.TotalSeconds / 2) return seconds > 0 ? Timeout.InfiniteTimeSpan : TimeSpan.MinValue;
        return TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    private static ArgumentTransformationMetadataException Wrong(object value) =>
        new($"A timeout in seconds (2.5) or as a TimeSpan is expected, not '{value}'.");
}
