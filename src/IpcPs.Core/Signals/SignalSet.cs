using System.Collections;

namespace IpcPs.Signals;

/// <summary>A set of signals, as the kernel keeps it: 64 bits.</summary>
public sealed class SignalSet : IReadOnlyCollection<Signal>
{
    internal SignalSet(ulong mask) => Mask = mask;

    /// <summary>The bits; bit 0 is signal 1.</summary>
    public ulong Mask { get; }

    /// <inheritdoc/>
    public int Count => System.Numerics.BitOperations.PopCount(Mask);

    /// <summary>Whether the signal is in it.</summary>
    public bool Contains(Signal signal) => signal.Number is >= 1 and <= 64 && (Mask & signal.Mask) != 0;

    /// <inheritdoc/>
    public IEnumerator<Signal> GetEnumerator()
    {
        for (var n = 1; n <= 64; n++)
        {
            if ((Mask & 1UL << (n - 1)) != 0) yield return new Signal(n);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The names, runs of real-time signals shortened: <c>PIPE RTMIN+1..RTMAX</c>.</summary>
    public override string ToString()
    {
        var words = new List<string>();
        for (var n = 1; n <= 64; n++)
        {
            if ((Mask & 1UL << (n - 1)) == 0) continue;
            var last = n;
            while (n >= Signal.RealTimeMinimum && last < 64 && (Mask & 1UL << last) != 0) last++;
            words.Add(last - n < 2 ? SignalTable.NameOf(n) : $"{SignalTable.NameOf(n)}..{SignalTable.NameOf(last)}");
            if (last - n >= 2) n = last;
        }
        return string.Join(' ', words);
    }
}
