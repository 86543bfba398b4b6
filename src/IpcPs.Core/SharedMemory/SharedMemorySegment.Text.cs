using System.Text;

namespace IpcPs.SharedMemory;

/// <summary>Text, as UTF-8, in the three forms in which programs keep it.</summary>
public abstract partial class SharedMemorySegment
{
    /// <summary>The longest text in bytes that a length in memory is believed to claim.</summary>
    public const int MaxText = int.MaxValue / 4;

    /// <summary>Reads text of that many bytes; zero bytes at its end are filling, not text.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadText(long offset, int count)
    {
        using var view = AsReadOnlySpan(offset, count);
        var text = Encoding.UTF8.GetString(view.Span.TrimEnd((byte)0));
        view.ThrowIfCut(this);
        return text;
    }

    /// <summary>Reads text up to its closing NUL, as C has it.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="limit">How many bytes to look at; -1 for all that follow.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: there is no NUL; <see cref="IpcErrors.OutOfRange"/>,
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadTerminatedText(long offset, long limit = -1)
    {
        var count = limit >= 0 ? limit : Size - offset;
        var end = IndexOf(0, offset, count);
        if (end < 0 || end - offset > MaxText)
            throw new IpcException(IpcErrors.InvalidData, $"No NUL ends the text at offset {offset} of '{Address}' within {count} bytes.", Address.Text,
                "Give the number of bytes of the text, or read it as bytes.") { Advice = IpcAdvice.SetTextEnd };
        return ReadText(offset, (int)(end - offset));
    }

    /// <summary>Reads text behind its length in bytes, a 32-bit number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: the length is not within the memory; <see cref="IpcErrors.OutOfRange"/>,
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadPrefixedText(long offset) => ReadText(offset + sizeof(int), ReadLength(offset));

    /// <summary>Writes text, without its length and without a NUL.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="text">What.</param>
    /// <param name="count">Bytes to fill up with zeros; -1 for none.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/> (also: more text than <paramref name="count"/>),
    /// <see cref="IpcErrors.NotSupported"/> (read-only), <see cref="IpcErrors.Closed"/>.</exception>
    public int WriteText(long offset, string text, int count = -1)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (count >= 0 && bytes > count)
            throw new IpcException(IpcErrors.OutOfRange, $"The text has {bytes} bytes as UTF-8, and {count} were given for it at offset {offset} of '{Address}'.", Address.Text);
        var room = Math.Max(bytes, count);
        using var view = AsSpan(offset, room);
        Encoding.UTF8.GetBytes(text, view.Span);
        view.Span[bytes..].Clear();
        view.ThrowIfCut(this);
        return room;
    }

    /// <summary>Writes text and its closing NUL.</summary>
    /// <returns>Bytes written.</returns>
    /// <inheritdoc cref="WriteText" path="/exception"/>
    public int WriteTerminatedText(long offset, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('\0', StringComparison.Ordinal)) throw IpcException.Argument("The text has a NUL in it, which would end it there.", Address.Text);
        return WriteText(offset, text, Encoding.UTF8.GetByteCount(text) + 1);
    }

    /// <summary>Writes text behind its length in bytes, a 32-bit number.</summary>
    /// <returns>Bytes written.</returns>
    /// <inheritdoc cref="WriteText" path="/exception"/>
    public int WritePrefixedText(long offset, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = Encoding.UTF8.GetByteCount(text);
        using var view = AsSpan(offset, bytes + sizeof(int));
        BitConverter.TryWriteBytes(view.Span, bytes);
        Encoding.UTF8.GetBytes(text, view.Span[sizeof(int)..]);
        view.ThrowIfCut(this);
        return bytes + sizeof(int);
    }

    /// <summary>Reads bytes behind their number, a 32-bit one.</summary>
    /// <inheritdoc cref="ReadPrefixedText" path="/exception"/>
    public byte[] ReadPrefixedBytes(long offset)
    {
        var bytes = new byte[ReadLength(offset)];
        Read(offset + sizeof(int), bytes.AsSpan());
        return bytes;
    }

    /// <summary>Writes bytes behind their number, a 32-bit one.</summary>
    /// <returns>Bytes written.</returns>
    /// <inheritdoc cref="WriteText" path="/exception"/>
    public int WritePrefixedBytes(long offset, ReadOnlySpan<byte> bytes)
    {
        using var view = AsSpan(offset, checked(bytes.Length + sizeof(int)));
        BitConverter.TryWriteBytes(view.Span, bytes.Length);
        bytes.CopyTo(view.Span[sizeof(int)..]);
        view.ThrowIfCut(this);
        return bytes.Length + sizeof(int);
    }

    /// <summary>A length that stands in the memory itself, checked.</summary>
    private int ReadLength(long offset)
    {
        var length = Read<int>(offset);
        if (length < 0 || length > MaxText || length > Size - offset - sizeof(int))
            throw new IpcException(IpcErrors.InvalidData, $"The length at offset {offset} of '{Address}' is {(uint)length} bytes, which are not within its {Size} bytes.", Address.Text,
                "No text with its length in front was written there. Give the number of bytes of the text, or read it up to its NUL.") { Advice = IpcAdvice.SetTextEnd };
        return length;
    }
}
