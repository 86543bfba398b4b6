namespace IpcPs.Diagrams;

/// <summary>The graph that is laid out: processes and labels in layers. A line that passes a layer has a node there, its bend.</summary>
internal sealed class LayerGraph
{
    private const double BendBreadth = 10;

    private readonly Dictionary<LayerNode, List<LayerNode>> _next = [];

    public LayerGraph(DiagramGraph graph, IReadOnlyList<(double Length, double Breadth)> sizes)
    {
        Nodes = [.. sizes.Select(static (s, i) => new LayerNode(i) { Length = s.Length, Breadth = s.Breadth })];
        for (var i = 0; i < graph.Links.Count; i++) Add(graph.Links[i], i, Nodes[graph.Processes.Count + i]);
        AssignLayers();
        AddBends();
    }

    public List<LayerNode> Nodes { get; }

    public List<LayerArc> Arcs { get; } = [];

    /// <summary>The parts that no line joins, each with its layers.</summary>
    public List<LayerPart> Parts()
    {
        var parts = new List<LayerPart>();
        var seen = new HashSet<LayerNode>();
        foreach (var start in Nodes)
        {
            if (!seen.Add(start)) continue;
            var members = new List<LayerNode>();
            var open = new Queue<LayerNode>([start]);
            while (open.TryDequeue(out var node))
            {
                members.Add(node);
                foreach (var next in node.Before.Concat(node.After))
                {
                    if (seen.Add(next)) open.Enqueue(next);
                }
            }
            var first = members.Min(static n => n.Layer);
            var layers = members.GroupBy(static n => n.Layer).OrderBy(static l => l.Key).Select(static l => l.ToList()).ToList();
            foreach (var node in members) node.Layer -= first;
            parts.Add(new LayerPart(members, layers, Arcs.Where(a => members.Contains(a.Path[0])).ToList()));
        }
        return parts;
    }

    // A link that would close a circle runs against the layers: its receivers come first. So its label stays between its processes. It is
    // drawn with its own arrowheads.
    private void Add(DiagramLink link, int index, LayerNode label)
    {
        var (before, after) = link.Sides();
        var (first, last) = (before.ConvertAll(e => Nodes[e.Process]), after.ConvertAll(e => Nodes[e.Process]));
        if (!last.Exists(first.Contains) && Reaches(last, first) && !Reaches(first, last)) (first, last) = (last, first);
        foreach (var node in first) Add(index, node, label, isFirst: true);
        foreach (var node in last) Add(index, node, label, isFirst: first.Contains(node) || Reaches([node], first));
    }

    private void Add(int link, LayerNode process, LayerNode label, bool isFirst)
    {
        // Where some of several processes would close a circle, only their lines are turned around.
        if (isFirst && Reaches([label], [process])) isFirst = false;
        var arc = isFirst ? new LayerArc(link, process.Index, process, label) : new LayerArc(link, process.Index, label, process);
        Arcs.Add(arc);
        if (!_next.TryGetValue(arc.From, out var next)) _next[arc.From] = next = [];
        next.Add(arc.To);
    }

    private bool Reaches(IEnumerable<LayerNode> from, List<LayerNode> to)
    {
        var seen = new HashSet<LayerNode>();
        var open = new Stack<LayerNode>(from);
        while (open.TryPop(out var node))
        {
            if (to.Contains(node)) return true;
            if (!seen.Add(node) || !_next.TryGetValue(node, out var next)) continue;
            foreach (var follower in next) open.Push(follower);
        }
        return false;
    }

    // Each node comes right after the last of those before it. Then it moves on to the first of those after it, where that makes no more
    // lines longer than it shortens.
    private void AssignLayers()
    {
        var incoming = Arcs.ToLookup(static a => a.To, static a => a.From);
        var outgoing = Arcs.ToLookup(static a => a.From, static a => a.To);
        var missing = Nodes.ToDictionary(static n => n, n => incoming[n].Count());
        var sorted = new List<LayerNode>(Nodes.Where(n => missing[n] == 0));
        for (var i = 0; i < sorted.Count; i++)
        {
            foreach (var next in outgoing[sorted[i]])
            {
                next.Layer = Math.Max(next.Layer, sorted[i].Layer + 1);
                if (--missing[next] == 0) sorted.Add(next);
            }
        }
        foreach (var node in Enumerable.Reverse(sorted))
        {
            var after = outgoing[node].ToList();
            if (after.Count > 0 && incoming[node].Count() <= after.Count) node.Layer = after.Min(static n => n.Layer) - 1;
        }
    }

    private void AddBends()
    {
        foreach (var arc in Arcs)
        {
            arc.Path.Add(arc.From);
            for (var layer = arc.From.Layer + 1; layer < arc.To.Layer; layer++)
            {
                var bend = new LayerNode(Nodes.Count) { Layer = layer, Breadth = BendBreadth, IsBend = true };
                Nodes.Add(bend);
                arc.Path.Add(bend);
            }
            arc.Path.Add(arc.To);
            for (var i = 1; i < arc.Path.Count; i++)
            {
                arc.Path[i - 1].After.Add(arc.Path[i]);
                arc.Path[i].Before.Add(arc.Path[i - 1]);
            }
        }
    }
}

/// <summary>A process, a label, or a bend of a line.</summary>
internal sealed class LayerNode(int index)
{
    public int Index { get; } = index;

    public bool IsBend { get; init; }

    public int Layer { get; set; }

    /// <summary>Its place in its layer.</summary>
    public int Position { get; set; }

    /// <summary>Its size across the layer.</summary>
    public double Length { get; init; }

    /// <summary>Its size along the layer.</summary>
    public double Breadth { get; init; }

    public double Start { get; set; }

    public double Center { get; set; }

    public double LayerStart { get; set; }

    public double LayerEnd { get; set; }

    public List<LayerNode> Before { get; } = [];

    public List<LayerNode> After { get; } = [];
}

/// <summary>A line between a process and the label of a link.</summary>
internal sealed class LayerArc(int link, int process, LayerNode from, LayerNode to)
{
    public int Link { get; } = link;

    public int Process { get; } = process;

    public LayerNode From { get; } = from;

    public LayerNode To { get; } = to;

    /// <summary>Its nodes, from layer to layer.</summary>
    public List<LayerNode> Path { get; } = [];

    /// <summary>Where it enters and leaves each node of its path, along the layer.</summary>
    public (double Enter, double Leave)[] Ports { get; set; } = [];
}

/// <summary>Nodes that lines join, with their layers.</summary>
internal sealed class LayerPart(List<LayerNode> nodes, List<List<LayerNode>> layers, List<LayerArc> arcs)
{
    public List<List<LayerNode>> Layers { get; } = layers;

    public List<LayerArc> Arcs { get; } = arcs;

    public double Length { get; set; }

    public double Breadth { get; set; }

    public void Move(double start, double center)
    {
        foreach (var node in nodes)
        {
            node.Start += start;
            node.LayerStart += start;
            node.LayerEnd += start;
            node.Center += center;
        }
        foreach (var arc in Arcs) arc.Ports = Array.ConvertAll(arc.Ports, p => (p.Enter + center, p.Leave + center));
    }
}
