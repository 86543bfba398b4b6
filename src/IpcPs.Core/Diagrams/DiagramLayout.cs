namespace IpcPs.Diagrams;

/// <summary>Where everything of a diagram is. Processes and labels stand in layers, from senders to receivers (Sugiyama's method). Lines
/// run through the gaps between the layers, and through gaps in a layer that are kept for them, so that no line crosses a box.</summary>
internal sealed class DiagramLayout
{
    // Between two layers, for the curves: the more lines there are, the longer they are.
    private const double LayerGap = 40;
    private const double GapOfLine = 1.5;
    private const double LargestGap = 120;

    // Between the parts that no line joins.
    private const double PartGap = 36;
    private const double ArrowLength = 9;

    private DiagramLayout(IReadOnlyList<DiagramBox> processes, IReadOnlyList<DiagramBox> labels, List<DiagramLine> lines, double width,
        double height)
    {
        Processes = processes;
        Labels = labels;
        Lines = lines;
        Width = width;
        Height = height;
    }

    /// <summary>The boxes of the processes, in the order of the graph.</summary>
    public IReadOnlyList<DiagramBox> Processes { get; }

    /// <summary>The labels of the links, in the order of the graph.</summary>
    public IReadOnlyList<DiagramBox> Labels { get; }

    public IReadOnlyList<DiagramLine> Lines { get; }

    public double Width { get; }

    public double Height { get; }

    /// <summary>Finds the places.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="sizes">The width and height of each process, and then of each label.</param>
    /// <param name="isVertical">Whether the layers are rows.</param>
    public static DiagramLayout Of(DiagramGraph graph, IReadOnlyList<(double Width, double Height)> sizes, bool isVertical)
    {
        var nodes = new LayerGraph(graph, [.. sizes.Select(s => isVertical ? (s.Height, s.Width) : (s.Width, s.Height))]);
        var parts = nodes.Parts();
        foreach (var part in parts) Place(part);
        var (length, breadth) = Pack(parts, isVertical);
        var boxes = nodes.Nodes.Take(sizes.Count).Select(n => BoxOf(n, isVertical)).ToList();
        var lines = nodes.Arcs.Select(a => LineOf(a, graph, nodes, isVertical)).ToList();
        return new DiagramLayout(boxes[..graph.Processes.Count], boxes[graph.Processes.Count..], lines, isVertical ? breadth : length,
            isVertical ? length : breadth);
    }

    private static void Place(LayerPart part)
    {
        LayerOrder.Arrange(part);
        LayerPlacement.Place(part);
        var at = 0.0;
        foreach (var layer in part.Layers)
        {
            var length = layer.Max(static n => n.Length);
            foreach (var node in layer)
            {
                node.LayerStart = at;
                node.LayerEnd = at + length;
                node.Start = at + ((length - node.Length) / 2);
            }
            part.Length = at + length;
            at = part.Length + Math.Min(LayerGap + (layer.Sum(static n => n.After.Count) * GapOfLine), LargestGap);
        }
    }

    // In rows, like words in lines: the largest first, so that small ones fill the space beside each other.
    private static (double Length, double Breadth) Pack(List<LayerPart> parts, bool isVertical)
    {
        var area = parts.Sum(static p => (p.Length + PartGap) * (p.Breadth + PartGap));
        var shape = isVertical ? 0.7 : 1.4;
        var limit = Math.Max(Math.Sqrt(area * shape), parts.Select(static p => p.Length).DefaultIfEmpty().Max());
        double x = 0, y = 0, row = 0, length = 0;
        foreach (var part in parts.OrderByDescending(static p => p.Breadth))
        {
            if (x > 0 && x + part.Length > limit)
            {
                y += row + PartGap;
                x = row = 0;
            }
            part.Move(x, y);
            x += part.Length + PartGap;
            length = Math.Max(length, x - PartGap);
            row = Math.Max(row, part.Breadth);
        }
        return (length, y + row);
    }

    private static DiagramBox BoxOf(LayerNode node, bool isVertical) => isVertical
        ? new DiagramBox(node.Center - (node.Breadth / 2), node.Start, node.Breadth, node.Length)
        : new DiagramBox(node.Start, node.Center - (node.Breadth / 2), node.Length, node.Breadth);

    private static DiagramLine LineOf(LayerArc arc, DiagramGraph graph, LayerGraph nodes, bool isVertical)
    {
        var link = graph.Links[arc.Link];
        var end = link.Ends.Find(e => e.Process == arc.Process)!;
        var hasArrow = link.HasArrows && end.Receives;
        var points = new List<(double X, double Y)>();
        for (var i = 0; i < arc.Path.Count; i++)
        {
            var node = arc.Path[i];
            var (enter, leave) = (arc.Ports[i].Enter, arc.Ports[i].Leave);
            if (i > 0)
            {
                points.Add((node.LayerStart, enter));
                if (!node.IsBend && node.Start > node.LayerStart) points.Add((node.Start, enter));
            }
            if (i == arc.Path.Count - 1) break;
            if (!node.IsBend && node.Start > node.LayerStart) points.Add((node.Start + node.Length, leave));
            points.Add((node.LayerEnd, leave));
        }
        // The process may be at either end, because some lines run against the layers.
        var isAtStart = nodes.Nodes[arc.Process] == arc.Path[0];
        (double X, double Y, bool Forward)? arrow = null;
        if (hasArrow)
        {
            var at = isAtStart ? 0 : points.Count - 1;
            var tip = points[at];
            arrow = isVertical ? (tip.Y, tip.X, !isAtStart) : (tip.X, tip.Y, !isAtStart);
            points[at] = (isAtStart ? tip.X + ArrowLength : tip.X - ArrowLength, tip.Y);
        }
        return new DiagramLine(arc.Link, [.. points.Select(p => isVertical ? (p.Y, p.X) : p)], arrow);
    }
}

/// <summary>A rectangle.</summary>
internal readonly record struct DiagramBox(double X, double Y, double Width, double Height)
{
    public bool Overlaps(DiagramBox other) =>
        X < other.X + other.Width && other.X < X + Width && Y < other.Y + other.Height && other.Y < Y + Height;
}

/// <summary>A line from a process to a label.</summary>
/// <param name="Link">The index of the link.</param>
/// <param name="Points">Straight along a layer, and curved between two layers.</param>
/// <param name="Arrow">The tip of the arrowhead, and whether it points along the layers' direction; null for none.</param>
internal sealed record DiagramLine(int Link, IReadOnlyList<(double X, double Y)> Points, (double X, double Y, bool Forward)? Arrow);
