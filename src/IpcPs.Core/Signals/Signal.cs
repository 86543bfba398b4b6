using System.Globalization;

namespace IpcPs.Signals;

/// <summary>A signal's number, which prints as its name: <c>TERM</c>, <c>RTMIN+3</c>. 0 is <c>Test</c>: nothing is sent, only looked whether it could be.</summary>
/// <param name="Number">0 to 64.</param>
public readonly record struct Signal(int Number) : IComparable<Signal>
{
    /// <summary>Signal 0: whether the process exists and may be sent signals.</summary>
    public static Signal Test => new(0);

    /// <summary>The lowest real-time signal that libc leaves to programs: 34 with glibc, 35 with musl.</summary>
    public static int RealTimeMinimum { get; } = Libc.__libc_current_sigrtmin();

    /// <summary>The highest: 64.</summary>
    public static int RealTimeMaximum { get; } = Libc.__libc_current_sigrtmax();

    /// <summary>Its name without SIG; a number that has no name is its digits.</summary>
    public string Name => SignalTable.NameOf(Number);

    /// <summary>Whether each one sent is queued and may carry a value.</summary>
    public bool IsRealTime => Number >= RealTimeMinimum && Number <= RealTimeMaximum;

    /// <summary>Its bit in the masks of /proc/PID/status and of sigset_t.</summary>
    internal ulong Mask => 1UL << (Number - 1);

    /// <summary>Reads a name with or without SIG, in any case, a number, <c>RTMIN+n</c>, <c>RTMAX-n</c>, or <c>Test</c>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidSignal"/>.</exception>
    public static Signal Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var signal) ? signal
            : throw new IpcException(IpcErrors.InvalidSignal, $"'{text}' is not a signal of this machine.", text, "Use a name (TERM, SIGTERM), RTMIN+n, RTMAX-n or a number.") { Advice = IpcAdvice.CheckSignals };
    }

    /// <summary>Reads a signal's name or number.</summary>
    /// <returns>False when it is neither.</returns>
    public static bool TryParse(string? text, out Signal signal)
    {
        signal = default;
        if (string.IsNullOrWhiteSpace(text)) return false;
        var name = text.Trim();
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            if (number > RealTimeMaximum) return false;
            signal = new Signal(number);
            return true;
        }
        if (name.StartsWith("SIG", StringComparison.OrdinalIgnoreCase)) name = name[3..];
        if (name.Equals("TEST", StringComparison.OrdinalIgnoreCase)) return true;
        if (SignalTable.NumberOf(name) is { } known) number = known;
        else if (Offset(name, "RTMIN+", out var up)) number = RealTimeMinimum + up;
        else if (Offset(name, "RTMAX-", out var down)) number = RealTimeMaximum - down;
        else return false;
        if (number < 1 || number > RealTimeMaximum || (number < RealTimeMinimum && number > 31)) return false;
        signal = new Signal(number);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Signal other) => Number.CompareTo(other.Number);

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Whether the first has the lower number.</summary>
    public static bool operator <(Signal left, Signal right) => left.Number < right.Number;

    /// <summary>Whether the first has the higher number.</summary>
    public static bool operator >(Signal left, Signal right) => left.Number > right.Number;

    /// <summary>Whether the first has no higher number.</summary>
    public static bool operator <=(Signal left, Signal right) => left.Number <= right.Number;

    /// <summary>Whether the first has no lower number.</summary>
    public static bool operator >=(Signal left, Signal right) => left.Number >= right.Number;

    private static bool Offset(string name, string prefix, out int offset)
    {
        offset = 0;
        return name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && name.Length <= prefix.Length + 2
            && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out offset);
    }
}
