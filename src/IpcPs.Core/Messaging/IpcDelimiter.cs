namespace IpcPs.Messaging;

/// <summary>What ends a text without an envelope on a byte stream.</summary>
public enum IpcDelimiter
{
    /// <summary>A line feed. A carriage return before it is part of the text.</summary>
    Lf,
    /// <summary>A carriage return and a line feed. When receiving, a line feed alone ends a text too.</summary>
    CrLf,
    /// <summary>A NUL, as in varlink and <c>find -print0</c>. The text may contain line breaks.</summary>
    Nul,
}

internal static class IpcDelimiterBytes
{
    /// <summary>The last byte of the delimiter.</summary>
    public static byte LastByte(this IpcDelimiter delimiter) => delimiter == IpcDelimiter.Nul ? (byte)0 : (byte)'\n';

    /// <summary>The bytes of the delimiter.</summary>
    public static ReadOnlySpan<byte> Bytes(this IpcDelimiter delimiter) => delimiter switch
    {
        IpcDelimiter.CrLf => "\r\n"u8,
        IpcDelimiter.Nul => "\0"u8,
        _ => "\n"u8,
    };

    /// <summary>The text of a line up to the last byte of its delimiter.</summary>
    public static ReadOnlySpan<byte> TextOf(this IpcDelimiter delimiter, ReadOnlySpan<byte> line) =>
        delimiter == IpcDelimiter.CrLf && line is [.. var text, (byte)'\r'] ? text : line;
}
