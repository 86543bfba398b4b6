namespace IpcPs.Measurement;

/// <summary>The speed of one mechanism with messages of one size, between two processes of this machine.</summary>
/// <param name="Mechanism">The mechanism.</param>
/// <param name="Size">Bytes a message.</param>
public sealed record MechanismMeasurement(MeasuredMechanism Mechanism, int Size)
{
    private const double LowestBar = 1e3;
    private const double BarStep = 0.5;

    /// <summary>Half of the round trips take at most so many microseconds.</summary>
    public double MedianMicroseconds { get; init; }

    /// <summary>99 of 100 round trips take at most so many microseconds.</summary>
    public double P99Microseconds { get; init; }

    /// <summary>Messages a second, one way, one call for each message; null where that is not measured.</summary>
    public double? MessagesPerSecond { get; init; }

    /// <summary>Bytes of these messages a second.</summary>
    public double? BytesPerSecond => MessagesPerSecond * Size;

    /// <summary>Microseconds of processor time, of both processes together, for each message.</summary>
    public double CpuMicroseconds { get; init; }

    /// <summary>How many round trips were measured.</summary>
    public int RoundTrips { get; init; }

    /// <summary>How many messages one way were measured.</summary>
    public int Messages { get; init; }

    /// <summary>The messages a second as a bar of at most ten characters. Each character is half a power of ten, from a thousand.</summary>
    public string Bar => MessagesPerSecond is not { } rate ? ""
        : new string('\u2588', (int)Math.Clamp(Math.Round(Math.Log10(rate / LowestBar) / BarStep), 0, 10));
}
