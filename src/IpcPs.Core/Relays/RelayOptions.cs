using IpcPs.Messaging;

namespace IpcPs.Relays;

/// <summary>Converts a message into another format. Called on one thread at a time for each direction.</summary>
/// <param name="message">The message; its format is <see cref="IpcFormat.Auto"/> if it came without an envelope.</param>
/// <param name="from">The format that the receiving side was asked for.</param>
/// <param name="cancellation">Ends the conversion of a large message.</param>
/// <returns>The payload in the other format, valid until the next call.</returns>
/// <exception cref="IpcException"><see cref="IpcErrors.FormatMismatch"/>, <see cref="IpcErrors.InvalidData"/>: the message has no form in
/// that format. The relay reports it, and goes on with the next one.</exception>
public delegate ReadOnlySpan<byte> RelayConversion(MessageBuffer message, IpcFormat from, CancellationToken cancellation);

/// <summary>What one side of a relay speaks.</summary>
/// <param name="Format">How messages are read from it and written to it. Auto: as they are.</param>
/// <param name="Delimiter">Byte streams: what ends a text that has no envelope.</param>
public readonly record struct RelaySide(IpcFormat Format = IpcFormat.Auto, IpcDelimiter Delimiter = IpcDelimiter.Lf);

/// <summary>How a relay works.</summary>
public sealed record RelayOptions
{
    /// <summary>Whether messages go back too, from <c>To</c> to <c>From</c>.</summary>
    public bool Duplex { get; init; }

    /// <summary>The formats of the side that is received from.</summary>
    public RelaySide From { get; init; }

    /// <summary>The formats of the side that is sent to.</summary>
    public RelaySide To { get; init; }

    /// <summary>How long nothing may pass in either direction; null for no limit.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>After how many messages it ends; null for no limit.</summary>
    public long? Count { get; init; }

    /// <summary>Whether to read exactly the messages that it sends on, so that another receiver can go on after them.</summary>
    public bool Exact { get; init; }

    /// <summary>Creates the conversion into a format, for one direction. Null: a message whose format would have to change is an
    /// error.</summary>
    public Func<IpcFormat, RelayConversion>? Conversion { get; init; }

    /// <summary>Whether byte streams are passed on as bytes: no side is asked for messages.</summary>
    internal bool IsRaw => Count is null && From == To && From.Format is IpcFormat.Auto or IpcFormat.Bytes
        && From.Delimiter == IpcDelimiter.Lf;
}

/// <summary>Why a relay ended.</summary>
public enum RelayEnd
{
    /// <summary>It has not ended.</summary>
    None,
    /// <summary>The side that it received from has closed, and everything from it was sent on.</summary>
    From,
    /// <summary>The side that it sent to has closed or died.</summary>
    To,
    /// <summary>As many messages have passed as were asked for.</summary>
    Count,
    /// <summary>Nothing has passed for as long as was allowed.</summary>
    Timeout,
    /// <summary>It was stopped.</summary>
    Stopped,
    /// <summary>It failed; the error says why.</summary>
    Failed,
}

/// <summary>What a relay has done.</summary>
/// <param name="From">The address that it received from.</param>
/// <param name="To">The address that it sent to.</param>
/// <param name="Messages">How many messages passed; null where it passed on bytes and saw no messages.</param>
/// <param name="Bytes">How many bytes of payload passed.</param>
/// <param name="MessagesBack">The same in the other direction; null for a relay in one direction.</param>
/// <param name="BytesBack">The same in the other direction; null for a relay in one direction.</param>
/// <param name="Failed">How many messages could not be sent on; each was reported.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="EndedBy">Why it ended. With two directions: why the first of them ended.</param>
/// <param name="Reason">What ended it, where the other side did not just close; or null.</param>
public sealed record IpcRelayResult(string From, string To, long? Messages, long Bytes, long? MessagesBack, long? BytesBack, long Failed,
    TimeSpan Duration, RelayEnd EndedBy, string? Reason)
{
    /// <summary>Bytes a second, of both directions together.</summary>
    public double BytesPerSecond => Duration <= TimeSpan.Zero ? 0 : (Bytes + (BytesBack ?? 0)) / Duration.TotalSeconds;
}
