using System.Globalization;
using System.Text;

namespace IpcPs.Diagrams;

/// <summary>Writes a diagram as a Mermaid flowchart.</summary>
internal static class MermaidWriter
{
    private const string Plain = " .,:/-_()@+";

    public static string Write(DiagramGraph graph, DiagramOptions options)
    {
        var text = new StringBuilder("flowchart ").Append(options.Direction == DiagramDirection.TopToBottom ? "TB" : "LR").Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"  accTitle: {Escape(DiagramText.Clean(options.Title))}\n");
        text.Append(CultureInfo.InvariantCulture, $"  accDescr: {Escape(graph.Describe())}\n");
        for (var i = 0; i < graph.Processes.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"  p{i}[\"{Join(DiagramText.Lines(graph.Processes[i]))}\"]\n");
        var lines = 0;
        var styles = new StringBuilder();
        for (var i = 0; i < graph.Links.Count; i++)
        {
            var link = graph.Links[i];
            var color = link.IsDeadlock ? DiagramFamily.LightDeadlock : link.Family.Light;
            var label = Join(link.Detail is null ? [link.Text] : [link.Text, link.Detail]);
            var first = lines;
            var (before, after) = link.Sides();
            if (link.IsLine)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"  p{before[0].Process} {Arrow(link, before[0], after[0])}|\"{label}\"| p{after[0].Process}\n");
                lines++;
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"  l{i}([\"{label}\"])\n");
                foreach (var end in before) text.Append(CultureInfo.InvariantCulture, $"  p{end.Process} {Arrow(link, end, null)} l{i}\n");
                foreach (var end in after) text.Append(CultureInfo.InvariantCulture, $"  l{i} {Arrow(link, null, end)} p{end.Process}\n");
                lines += before.Count + after.Count;
                styles.Append(CultureInfo.InvariantCulture, $"  style l{i} stroke:{color},color:{color}\n");
            }
            var width = link.IsDeadlock ? ",stroke-width:3px" : "";
            styles.Append(CultureInfo.InvariantCulture,
                $"  linkStyle {string.Join(',', Enumerable.Range(first, lines - first))} stroke:{color},color:{color}{width}\n");
        }
        return text.Append(styles).ToString();
    }

    private static string Arrow(DiagramLink link, DiagramEnd? before, DiagramEnd? after)
    {
        var back = link.HasArrows && before?.Receives == true ? "<" : "";
        var forward = link.HasArrows && after?.Receives == true;
        // An arrowhead at the beginning only has no form of its own: there is one at the label, too.
        return link.IsWait ? $"{back}-.{(forward || back.Length > 0 ? "->" : "-")}" : $"{back}--{(forward || back.Length > 0 ? ">" : "-")}";
    }

    private static string Join(IEnumerable<string> lines) => string.Join("<br/>", lines.Select(Escape));

    // Mermaid reads markup and keywords in a text. A character as its number is never one.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || (rune.IsAscii && Plain.Contains((char)rune.Value))) escaped.Append(rune);
            else escaped.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
        }
        return escaped.ToString();
    }
}
