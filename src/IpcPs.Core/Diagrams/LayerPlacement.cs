namespace IpcPs.Diagrams;

/// <summary>Places the nodes of each layer close to their neighbours in the layers beside it, without overlaps and in the layer's
/// order.</summary>
internal static class LayerPlacement
{
    private const int Rounds = 16;
    private const double NodeGap = 14;

    // A line that is straight is easier to follow, so bends pull more than boxes.
    private const double BendWeight = 4;

    public static void Place(LayerPart part)
    {
        foreach (var layer in part.Layers) Separate(layer, static n => n.Position * 60.0);
        for (var round = 0; round < Rounds; round++)
        {
            var isForward = round % 2 == 0;
            foreach (var layer in isForward ? part.Layers : Enumerable.Reverse(part.Layers))
            {
                Separate(layer, n =>
                {
                    var neighbours = isForward ? n.Before : n.After;
                    return neighbours.Count == 0 ? n.Center : neighbours.Average(static m => m.Center);
                });
            }
        }
        // A node that only sends stands in the middle of its receivers.
        foreach (var layer in Enumerable.Reverse(part.Layers))
        {
            Separate(layer, static n =>
                n.Before.Concat(n.After).Select(static m => m.Center).DefaultIfEmpty(n.Center).Average());
        }
        var top = part.Layers.Min(static l => l.Min(static n => n.Center - (n.Breadth / 2)));
        foreach (var node in part.Layers.SelectMany(static l => l)) node.Center -= top;
        part.Breadth = part.Layers.Max(static l => l.Max(static n => n.Center + (n.Breadth / 2)));
        foreach (var arc in part.Arcs) arc.Ports = new (double, double)[arc.Path.Count];
        foreach (var node in part.Layers.SelectMany(static l => l))
        {
            Spread(node, part, isEnter: true);
            Spread(node, part, isEnter: false);
        }
    }

    // The places that are nearest to the wanted ones: nodes that would overlap form a block, which stands at the mean of its wishes
    // (isotonic regression).
    private static void Separate(List<LayerNode> layer, Func<LayerNode, double> wish)
    {
        var blocks = new List<(double Mean, double Weight, int Count)>();
        var offsets = new double[layer.Count];
        for (var i = 0; i < layer.Count; i++)
        {
            offsets[i] = i == 0 ? 0 : offsets[i - 1] + ((layer[i - 1].Breadth + layer[i].Breadth) / 2) + NodeGap;
            var weight = layer[i].IsBend ? BendWeight : 1;
            (double Mean, double Weight, int Count) block = (wish(layer[i]) - offsets[i], weight, 1);
            while (blocks.Count > 0 && blocks[^1].Mean >= block.Mean)
            {
                var last = blocks[^1];
                var sum = last.Weight + block.Weight;
                block = (((last.Mean * last.Weight) + (block.Mean * block.Weight)) / sum, sum, last.Count + block.Count);
                blocks.RemoveAt(blocks.Count - 1);
            }
            blocks.Add(block);
        }
        var at = 0;
        foreach (var (mean, _, count) in blocks)
        {
            for (var i = 0; i < count; i++, at++) layer[at].Center = mean + offsets[at];
        }
    }

    // Lines that meet at one side of a box begin at places of their own, in the order of their other ends.
    private static void Spread(LayerNode node, LayerPart part, bool isEnter)
    {
        var ends = new List<(LayerArc Arc, int At, LayerNode Other)>();
        foreach (var arc in part.Arcs)
        {
            var at = arc.Path.IndexOf(node);
            if (at < 0 || (isEnter ? at == 0 : at == arc.Path.Count - 1)) continue;
            ends.Add((arc, at, arc.Path[isEnter ? at - 1 : at + 1]));
        }
        var usable = node.IsBend ? 0 : node.Breadth - 16;
        var step = ends.Count < 2 ? 0 : Math.Min(13, usable / (ends.Count - 1));
        var place = node.Center - (step * (ends.Count - 1) / 2);
        foreach (var (arc, at, _) in ends.OrderBy(static e => e.Other.Center).ThenBy(static e => e.Arc.Link))
        {
            var (enter, leave) = arc.Ports[at];
            arc.Ports[at] = isEnter ? (place, leave) : (enter, place);
            place += step;
        }
    }
}
