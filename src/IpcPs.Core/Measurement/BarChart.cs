using System.Globalization;
using System.Text;

namespace IpcPs.Measurement;

/// <summary>A bar chart in SVG, for light and dark backgrounds. Rates and ratios differ by powers of ten, so the bars are
/// logarithmic.</summary>
/// <param name="width">Of the whole chart.</param>
/// <param name="left">Where the bars begin.</param>
/// <param name="barWidth">The longest bar.</param>
/// <param name="lowest">The value of a bar without a length.</param>
/// <param name="highest">The value of the longest bar.</param>
internal sealed class BarChart(int width, int left, int barWidth, double lowest, double highest)
{
    private const string Style = """
        text{font:13px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#59636e}.bar{fill:#2f6fd0}
        .low{fill:#c2410c}.grid{stroke:#d1d9e0}
        @media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.bar{fill:#6ea8fe}.low{fill:#ff9a62}.grid{stroke:#3d444d}}
        """;

    private readonly StringBuilder _svg = new();

    /// <summary>Where a value's bar ends.</summary>
    public int XOf(double value) =>
        left + (int)(barWidth * Math.Clamp(Math.Log10(value / lowest) / Math.Log10(highest / lowest), 0.005, 1));

    /// <summary>The size, the title, and what a reader hears who cannot see the chart.</summary>
    public void Begin(int height, string title, string description)
    {
        _svg.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" ");
        _svg.Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {width} {height}\" ");
        _svg.Append("aria-labelledby=\"title desc\">\n<title id=\"title\">").Append(Escape(title)).Append("</title>\n");
        _svg.Append("<desc id=\"desc\">").Append(Escape(description)).Append("</desc>\n");
        _svg.Append("<style>").Append(Style).Append("</style>\n");
    }

    /// <summary>A line at a value, from one height to another.</summary>
    public void Line(double value, int from, int to)
    {
        var x = XOf(value);
        _svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"{from}\" y2=\"{to}\"/>\n");
    }

    /// <summary>A bar in the middle of a line of text.</summary>
    /// <param name="value">How long.</param>
    /// <param name="y">The middle.</param>
    /// <param name="style">"bar", or "low" for one that is too short.</param>
    public void Bar(double value, int y, string style = "bar")
    {
        _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{style}\" x=\"{left}\" y=\"{y - 7}\" height=\"13\" ");
        _svg.Append(CultureInfo.InvariantCulture, $"width=\"{XOf(value) - left}\"/>\n");
    }

    /// <summary>A text.</summary>
    public void Text(int x, int y, string? style, string text)
    {
        _svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\"");
        if (style is not null) _svg.Append(CultureInfo.InvariantCulture, $" class=\"{style}\"");
        _svg.Append('>').Append(Escape(text)).Append("</text>\n");
    }

    /// <summary>The chart.</summary>
    public string End() => _svg.Append("</svg>\n").ToString();

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
