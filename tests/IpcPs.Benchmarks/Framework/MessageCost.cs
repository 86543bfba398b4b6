using System.Globalization;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Microseconds of processor time that a message cost its sender and its receiver; of a round trip, both sides.</summary>
/// <param name="Sender">The process that measures.</param>
/// <param name="Receiver">The other one, or all others.</param>
internal readonly record struct MessageCost(double Sender, double Receiver)
{
    private static MessageCost? _last;

    /// <summary>States the cost of what was measured just now.</summary>
    public static void Record(double sender, double receiver) => _last = new(sender, receiver);

    /// <summary>The cost that was stated since the last call; null for none.</summary>
    public static MessageCost? Take()
    {
        var last = _last;
        _last = null;
        return last;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Show(Sender)} + {Show(Receiver)} us");

    private static string Show(double cost) => cost.ToString(cost < 1 ? "0.00" : cost < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);
}
