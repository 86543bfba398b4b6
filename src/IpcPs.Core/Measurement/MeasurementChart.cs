using System.Globalization;

namespace IpcPs.Measurement;

/// <summary>Draws measurements as a bar chart in SVG, for light and dark backgrounds.</summary>
public static class MeasurementChart
{
    private const int Width = 720;
    private const int Left = 150;
    private const int BarWidth = 300;
    private const int RowHeight = 20;
    private const int Top = 64;

    // Rates differ by powers of ten, so the bars are logarithmic.
    private const double Lowest = 1e3;
    private const double Highest = 1e8;

    /// <summary>The chart: a bar for the messages a second of each mechanism and size, and beside it the round trip.</summary>
    public static string Draw(IReadOnlyCollection<MechanismMeasurement> measurements)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        var height = Top + (measurements.Count * RowHeight) + 28;
        var chart = new BarChart(Width, Left, BarWidth, Lowest, Highest);
        chart.Begin(height, "Speed of IPC mechanisms between two processes", string.Join(' ', measurements.Select(Describe)));
        chart.Text(12, 24, null, "Messages a second, one way (each line is ten times the one before)");
        chart.Text(Left + BarWidth + 90, 24, null, "Median round trip, p99");
        for (var power = Lowest; power <= Highest; power *= 10)
        {
            chart.Line(power, Top - 12, height - 24);
            chart.Text(chart.XOf(power) - 8, height - 8, "small", Short(power));
        }
        var y = Top;
        foreach (var one in measurements)
        {
            chart.Text(12, y + 4, null, $"{one.Mechanism}, {SizeOf(one.Size)}");
            if (one.MessagesPerSecond is { } rate)
            {
                chart.Bar(rate, y);
                chart.Text(chart.XOf(rate) + 6, y + 4, "small", $"{Short(rate)}/s");
            }
            else
            {
                chart.Text(Left + 6, y + 4, "small", "round trips only");
            }
            chart.Text(Left + BarWidth + 90, y + 4, "small", $"{Time(one.MedianMicroseconds)}, {Time(one.P99Microseconds)}");
            y += RowHeight;
        }
        return chart.End();
    }

    private static string Describe(MechanismMeasurement one) =>
        $"{one.Mechanism}, {SizeOf(one.Size)}: {(one.MessagesPerSecond is { } rate ? $"{Short(rate)} messages a second, " : "")}"
        + $"round trip {Time(one.MedianMicroseconds)}.";

    private static string SizeOf(int bytes) =>
        bytes >= 1024 && bytes % 1024 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes} B");

    private static string Short(double number) => number switch
    {
        >= 999_500 => (number / 1e6).ToString("0.#", CultureInfo.InvariantCulture) + " M",
        >= 1000 => (number / 1e3).ToString("0", CultureInfo.InvariantCulture) + " k",
        _ => number.ToString("0", CultureInfo.InvariantCulture),
    };

    private static string Time(double microseconds) =>
        microseconds.ToString(microseconds < 100 ? "0.0" : "0", CultureInfo.InvariantCulture) + " \u00b5s";
}
