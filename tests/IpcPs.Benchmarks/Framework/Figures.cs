using System.Globalization;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The figures of one side of a comparison, one a repetition.</summary>
internal sealed class Figures(string name)
{
    private readonly List<double> _values = [];
    private readonly List<MessageCost> _costs = [];

    public string Name => name;

    public bool IsEmpty => _values.Count == 0;

    public double Median => Middle(_values);

    /// <summary>The processor time of a message on both sides; null where it was not measured.</summary>
    public MessageCost? Cost => _costs.Count == 0 ? null : new(Middle(_costs.Select(static c => c.Sender)),
        Middle(_costs.Select(static c => c.Receiver)));

    public void Add(double? value, MessageCost? cost)
    {
        if (value is not { } one) return;
        _values.Add(one);
        if (cost is { } both) _costs.Add(both);
    }

    /// <summary>The lowest and the highest.</summary>
    public string Spread => $"{Show(_values.Min())} to {Show(_values.Max())}";

    public static string Show(double figure) =>
        figure >= 1000 ? figure.ToString("#,0", CultureInfo.InvariantCulture) : figure.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The median.</summary>
    public static double Middle(IEnumerable<double> figures)
    {
        var sorted = figures.Order().ToList();
        var half = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
