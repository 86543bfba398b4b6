using System.Globalization;
using System.Text;

namespace IpcPs.Diagrams;

/// <summary>Writes a diagram in the language of Graphviz.</summary>
internal static class DotWriter
{
    public static string Write(DiagramGraph graph, DiagramOptions options)
    {
        var text = new StringBuilder("digraph ipc {\n");
        var direction = options.Direction == DiagramDirection.TopToBottom ? "TB" : "LR";
        var title = Quote(DiagramText.Clean(options.Title));
        text.Append(CultureInfo.InvariantCulture, $"  graph [rankdir={direction}, label={title}, labelloc=t];\n");
        text.Append("  node [shape=box, style=rounded, fontname=monospace, fontsize=11];\n");
        text.Append("  edge [fontname=monospace, fontsize=9];\n");
        for (var i = 0; i < graph.Processes.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"  p{i} [label={Quote(DiagramText.Lines(graph.Processes[i]))}];\n");
        for (var i = 0; i < graph.Links.Count; i++) AppendLink(text, graph.Links[i], i);
        return text.Append("}\n").ToString();
    }

    private static void AppendLink(StringBuilder text, DiagramLink link, int index)
    {
        var color = link.IsDeadlock ? DiagramFamily.LightDeadlock : link.Family.Light;
        var colors = $"color=\"{color}\", fontcolor=\"{color}\"";
        var style = $"{colors}{(link.IsWait ? ", style=dashed" : "")}{(link.IsDeadlock ? ", penwidth=2" : "")}";
        var label = Quote(link.Detail is null ? [link.Text] : [link.Text, link.Detail]);
        var (before, after) = link.Sides();
        if (link.IsLine)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  p{before[0].Process} -> p{after[0].Process} [label={label}, {style}, dir={Heads(link, before[0], after[0])}];\n");
            return;
        }
        text.Append(CultureInfo.InvariantCulture,
            $"  l{index} [label={label}, style=\"rounded{(link.IsWait ? ",dashed" : "")}\", fontsize=9, {colors}];\n");
        foreach (var end in before)
            text.Append(CultureInfo.InvariantCulture, $"  p{end.Process} -> l{index} [{style}, dir={Heads(link, end, null)}];\n");
        foreach (var end in after)
            text.Append(CultureInfo.InvariantCulture, $"  l{index} -> p{end.Process} [{style}, dir={Heads(link, null, end)}];\n");
    }

    private static string Heads(DiagramLink link, DiagramEnd? before, DiagramEnd? after)
    {
        var back = link.HasArrows && before?.Receives == true;
        var forward = link.HasArrows && after?.Receives == true;
        return back && forward ? "both" : back ? "back" : forward ? "forward" : "none";
    }

    // Lines in the middle. A backslash begins an escape, so it is doubled.
    private static string Quote(params IEnumerable<string> lines) => "\"" + string.Join("\\n", lines.Select(static l =>
        l.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))) + "\"";
}
