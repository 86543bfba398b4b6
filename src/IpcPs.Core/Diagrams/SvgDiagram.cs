using System.Globalization;
using System.Text;
using System.Xml;

namespace IpcPs.Diagrams;

/// <summary>Draws a diagram as SVG, with a title, a description in words, and colours for light and dark backgrounds.</summary>
internal sealed class SvgDiagram
{
    private const string Namespace = "http://www.w3.org/2000/svg";
    private const double Margin = 20;
    private const double TitleHeight = 34;
    private const double NameSize = 13;
    private const double SmallSize = 11;
    private const double LineHeight = 15;

    private readonly XmlWriter _xml;
    private readonly DiagramGraph _graph;
    private readonly DiagramLayout _layout;
    private readonly bool _isVertical;

    private SvgDiagram(XmlWriter xml, DiagramGraph graph, bool isVertical)
    {
        _xml = xml;
        _graph = graph;
        _isVertical = isVertical;
        _layout = LayoutOf(graph, isVertical);
    }

    public static string Write(DiagramGraph graph, DiagramOptions options)
    {
        var text = new StringBuilder();
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n" };
        using (var xml = XmlWriter.Create(text, settings))
            new SvgDiagram(xml, graph, options.Direction == DiagramDirection.TopToBottom).Write(DiagramText.Clean(options.Title));
        return text.Append('\n').ToString();
    }

    /// <summary>The places of everything, without the margins and the title.</summary>
    internal static DiagramLayout LayoutOf(DiagramGraph graph, bool isVertical)
    {
        var lines = new int[graph.Processes.Count];
        foreach (var end in graph.Links.SelectMany(static l => l.Ends)) lines[end.Process]++;
        var processes = graph.Processes.Select((p, i) =>
        {
            var texts = DiagramText.Lines(p);
            var small = texts.Skip(1).Max(static t => DiagramText.Width(t, SmallSize));
            var width = Math.Max(DiagramText.Width(texts[0], NameSize), small) + 24;
            var height = (texts.Length * LineHeight) + 14;
            // Space for the ends of many lines.
            var ends = Math.Min((lines[i] * 6) + 20, 240);
            return isVertical ? (Math.Max(width, ends), height) : (width, Math.Max(height, ends));
        });
        var labels = graph.Links.Select(static l => (Math.Max(DiagramText.Width(l.Text, SmallSize),
            DiagramText.Width(l.Detail ?? "", SmallSize)) + 18, l.Detail is null ? 20.0 : 34.0));
        return DiagramLayout.Of(graph, [.. processes, .. labels], isVertical);
    }

    private void Write(string title)
    {
        var width = Math.Max(_layout.Width, DiagramText.Width(title, NameSize + 2)) + (2 * Margin);
        var height = _layout.Height + TitleHeight + (2 * Margin);
        if (_graph.Links.Count == 0) (width, height) = (Math.Max(width, 220), height + LineHeight);
        _xml.WriteStartElement("svg", Namespace);
        Attributes(("class", "ipc-diagram"), ("role", "img"), ("aria-labelledby", "ipc-title ipc-desc"),
            ("viewBox", $"0 0 {Text(width)} {Text(height)}"), ("width", Text(width)), ("height", Text(height)));
        Element("title", title, ("id", "ipc-title"));
        Element("desc", _graph.Describe(), ("id", "ipc-desc"));
        Element("style", SvgStyle.Text);
        Element("rect", null, ("class", "ground"), ("width", Text(width)), ("height", Text(height)));
        Element("text", title, ("class", "heading"), ("x", Text(Margin)), ("y", Text(Margin + 14)));
        _xml.WriteStartElement("g", Namespace);
        Attributes(("transform", $"translate({Text(Margin)} {Text(Margin + TitleHeight)})"));
        if (_graph.Links.Count == 0) Element("text", "No connections.", ("class", "small"), ("y", "10"));
        // Deadlocks last, so that no other line covers them.
        var order = Enumerable.Range(0, _graph.Links.Count).OrderBy(i => _graph.Links[i].IsDeadlock).ToList();
        foreach (var i in order)
        {
            foreach (var line in _layout.Lines.Where(l => l.Link == i)) WriteLine(line);
        }
        foreach (var i in order) WriteLabel(i);
        for (var i = 0; i < _graph.Processes.Count; i++) WriteProcess(i);
        _xml.WriteEndElement();
        _xml.WriteEndElement();
    }

    private void WriteLine(DiagramLine line)
    {
        var link = _graph.Links[line.Link];
        var path = new StringBuilder();
        for (var i = 0; i < line.Points.Count; i++)
        {
            var (x, y) = line.Points[i];
            if (i == 0)
            {
                path.Append(CultureInfo.InvariantCulture, $"M{Text(x)} {Text(y)}");
                continue;
            }
            var (fromX, fromY) = line.Points[i - 1];
            if (x == fromX || y == fromY)
            {
                path.Append(CultureInfo.InvariantCulture, $" L{Text(x)} {Text(y)}");
                continue;
            }
            // It leaves and arrives along the direction of the layers.
            var (middleX, middleY) = ((x + fromX) / 2, (y + fromY) / 2);
            path.Append(_isVertical
                ? $" C{Text(fromX)} {Text(middleY)} {Text(x)} {Text(middleY)} {Text(x)} {Text(y)}"
                : $" C{Text(middleX)} {Text(fromY)} {Text(middleX)} {Text(y)} {Text(x)} {Text(y)}");
        }
        var kind = ClassOf(link);
        Element("path", null, ("class", $"line {kind}{(link.IsWait ? " waits" : "")}"), ("d", path.ToString()));
        if (line.Arrow is not var (tipX, tipY, isForward)) return;
        var back = isForward ? -10 : 10;
        var arrow = _isVertical
            ? $"M{Text(tipX)} {Text(tipY)} L{Text(tipX - 5)} {Text(tipY + back)} L{Text(tipX + 5)} {Text(tipY + back)} Z"
            : $"M{Text(tipX)} {Text(tipY)} L{Text(tipX + back)} {Text(tipY - 5)} L{Text(tipX + back)} {Text(tipY + 5)} Z";
        Element("path", null, ("class", $"arrow {kind}"), ("d", arrow));
    }

    private void WriteLabel(int index)
    {
        var link = _graph.Links[index];
        var box = _layout.Labels[index];
        string[] texts = link.Detail is null ? [link.Text] : [link.Text, link.Detail];
        WriteBox($"label {ClassOf(link)}", link.FullText, box, texts, rounding: 9);
    }

    private void WriteProcess(int index)
    {
        var process = _graph.Processes[index];
        var isStuck = _graph.Links.Exists(l => l.IsDeadlock && l.Ends.Exists(e => e.Process == index));
        WriteBox(isStuck ? "process deadlock" : "process", DiagramText.Clean(process.ToString()), _layout.Processes[index],
            DiagramText.Lines(process), rounding: 5);
    }

    private void WriteBox(string kind, string tip, DiagramBox box, string[] texts, double rounding)
    {
        _xml.WriteStartElement("g", Namespace);
        Attributes(("class", kind));
        Element("title", tip);
        Element("rect", null, ("x", Text(box.X)), ("y", Text(box.Y)), ("width", Text(box.Width)), ("height", Text(box.Height)),
            ("rx", Text(rounding)));
        var step = kind.StartsWith("label", StringComparison.Ordinal) ? 13 : LineHeight;
        var y = box.Y + ((box.Height - (texts.Length * step)) / 2) + step - 4;
        for (var i = 0; i < texts.Length; i++)
        {
            Element("text", texts[i], ("class", i == 0 ? "name" : "small"), ("x", Text(box.X + (box.Width / 2))), ("y", Text(y)));
            y += step;
        }
        _xml.WriteEndElement();
    }

    private static string ClassOf(DiagramLink link) => link.IsDeadlock ? "deadlock" : link.Family.Name;

    private void Element(string name, string? text, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _xml.WriteStartElement(name, Namespace);
        Attributes(attributes);
        if (text is not null) _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    private void Attributes(params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach (var (name, value) in attributes) _xml.WriteAttributeString(name, value);
    }

    private static string Text(double number) => Math.Round(number, 1).ToString(CultureInfo.InvariantCulture);
}
