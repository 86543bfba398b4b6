using System.ComponentModel;
using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>The argument of a -Timeout parameter: a number of seconds, or a TimeSpan.</summary>
/// <remarks>A type of its own, because PowerShell converts a number to a TimeSpan as ticks: where only the type of a parameter is known, as
/// in a proxy function, <c>-Timeout 1</c> would be 100 nanoseconds.</remarks>
/// <param name="Value">The time; negative for a negative number, which the command rejects with an error id.</param>
[TypeConverter(typeof(IpcTimeoutConverter))]
public readonly record struct IpcTimeout(TimeSpan Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString();

    internal static IpcTimeout From(object? value)
    {
        switch (value)
        {
            case IpcTimeout timeout:
                return timeout;
            case TimeSpan time:
                return new IpcTimeout(time);
            case string text when !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _):
                return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? new IpcTimeout(parsed) : throw Wrong(text);
        }
        double seconds;
        try
        {
            seconds = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException)
        {
            throw Wrong(value);
        }
        if (value is null || double.IsNaN(seconds)) throw Wrong(value);
        // More seconds than a TimeSpan holds are no timeout.
        if (Math.Abs(seconds) > TimeSpan.MaxValue.TotalSeconds / 2)
            return new IpcTimeout(seconds > 0 ? Timeout.InfiniteTimeSpan : TimeSpan.MinValue);
        return new IpcTimeout(TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)));
    }

    private static ArgumentTransformationMetadataException Wrong(object? value) =>
        new($"A timeout in seconds (2.5) or as a TimeSpan is expected, not '{value}'.");
}

/// <summary>Converts to an <see cref="IpcTimeout"/>.</summary>
public sealed class IpcTimeoutConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => IpcTimeout.From(value);
}

/// <summary>Lets an <see cref="IpcTimeout"/> parameter accept seconds, <c>-Timeout 2.5</c>, or a TimeSpan.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TimeoutTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        Unwrapped.Value(inputData) is { } value ? IpcTimeout.From(value) : null;
}
