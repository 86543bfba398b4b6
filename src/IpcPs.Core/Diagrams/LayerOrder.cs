namespace IpcPs.Diagrams;

/// <summary>Orders the nodes of each layer so that few lines cross: each node moves to the mean of its neighbours, layer after layer,
/// forward and back. The best of the orders is kept.</summary>
internal static class LayerOrder
{
    private const int Rounds = 12;

    public static void Arrange(LayerPart part)
    {
        foreach (var layer in part.Layers) Number(layer);
        var best = part.Layers.ConvertAll(static l => l.ToList());
        var fewest = Crossings(part);
        for (var round = 0; round < Rounds && fewest > 0; round++)
        {
            var isForward = round % 2 == 0;
            var layers = isForward ? part.Layers.Skip(1) : Enumerable.Reverse(part.Layers).Skip(1);
            foreach (var layer in layers) Sort(layer, isForward);
            var crossings = Crossings(part);
            if (crossings >= fewest) continue;
            fewest = crossings;
            best = part.Layers.ConvertAll(static l => l.ToList());
        }
        for (var i = 0; i < best.Count; i++)
        {
            part.Layers[i] = best[i];
            Number(best[i]);
        }
    }

    private static void Sort(List<LayerNode> layer, bool isForward)
    {
        var ordered = layer.OrderBy(n =>
        {
            var neighbours = isForward ? n.Before : n.After;
            return neighbours.Count == 0 ? n.Position : neighbours.Average(static m => m.Position);
        }).ToList();
        layer.Clear();
        layer.AddRange(ordered);
        Number(layer);
    }

    private static void Number(List<LayerNode> layer)
    {
        for (var i = 0; i < layer.Count; i++) layer[i].Position = i;
    }

    private static long Crossings(LayerPart part)
    {
        var crossings = 0L;
        foreach (var layer in part.Layers)
        {
            // Two lines cross where their ends are in opposite orders.
            var ends = layer.SelectMany(static n => n.After.Select(static m => m.Position).Order()).ToList();
            for (var i = 0; i < ends.Count; i++)
            {
                for (var j = i + 1; j < ends.Count; j++)
                {
                    if (ends[j] < ends[i]) crossings++;
                }
            }
        }
        return crossings;
    }
}
