using System.Globalization;
using System.Text;

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

    private const string Style = """
        text{font:13px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#59636e}.bar{fill:#2f6fd0}.grid{stroke:#d1d9e0}
        @media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.bar{fill:#6ea8fe}.grid{stroke:#3d444d}}
        """;

    /// <summary>The chart: a bar for the messages a second of each mechanism and size, and beside it the round trip.</summary>
    public static string Draw(IReadOnlyCollection<MechanismMeasurement> measurements)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        var height = Top + (measurements.Count * RowHeight) + 28;
        var svg = new StringBuilder();
        svg.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" ");
        svg.Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {Width} {height}\" ");
        svg.Append("aria-labelledby=\"title desc\">\n<title id=\"title\">Speed of IPC mechanisms between two processes</title>\n");
        svg.Append("<desc id=\"desc\">").AppendJoin(' ', measurements.Select(Describe)).Append("</desc>\n");
        svg.Append("<style>").Append(Style).Append("</style>\n");
        Text(svg, 12, 24, null, "Messages a second, one way (each line is ten times the one before)");
        Text(svg, Left + BarWidth + 90, 24, null, "Median round trip, p99");
        for (var power = Lowest; power <= Highest; power *= 10)
        {
            var x = Left + (int)LengthOf(power);
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"{Top - 12}\" ");
            svg.Append(CultureInfo.InvariantCulture, $"y2=\"{height - 24}\"/>\n");
            Text(svg, x - 8, height - 8, "small", Short(power));
        }
        var y = Top;
        foreach (var one in measurements)
        {
            Text(svg, 12, y + 4, null, $"{one.Mechanism}, {SizeOf(one.Size)}");
            if (one.MessagesPerSecond is { } rate)
            {
                var length = LengthOf(rate);
                svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"bar\" x=\"{Left}\" y=\"{y - 7}\" height=\"13\" ");
                svg.Append(CultureInfo.InvariantCulture, $"width=\"{length:0}\"/>\n");
                Text(svg, Left + (int)length + 6, y + 4, "small", $"{Short(rate)}/s");
            }
            else
            {
                Text(svg, Left + 6, y + 4, "small", "round trips only");
            }
            Text(svg, Left + BarWidth + 90, y + 4, "small", $"{Time(one.MedianMicroseconds)}, {Time(one.P99Microseconds)}");
            y += RowHeight;
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static double LengthOf(double rate) =>
        BarWidth * Math.Clamp(Math.Log10(rate / Lowest) / Math.Log10(Highest / Lowest), 0.005, 1);

    private static string Describe(MechanismMeasurement one) =>
        $"{one.Mechanism}, {SizeOf(one.Size)}: {(one.MessagesPerSecond is { } rate ? $"{Short(rate)} messages a second, " : "")}"
        + $"round trip {Time(one.MedianMicroseconds)}.";

    private static void Text(StringBuilder svg, int x, int y, string? style, string text)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\"");
        if (style is not null) svg.Append(CultureInfo.InvariantCulture, $" class=\"{style}\"");
        svg.Append('>').Append(text).Append("</text>\n");
    }

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
