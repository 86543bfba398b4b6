using System.Text;

namespace IpcPs.SharedMemory;

/// <content>Text as UTF-8: with a given length, with a closing NUL, or after its length.</content>
public abstract partial class SharedMemorySegment
{
    /// <summary>The longest text in bytes. A larger length in the memory is an error.</summary>
    public const int MaxText = int.MaxValue / 4;

    /// <summary>Reads text of a number of bytes, without the zero bytes at its end.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadText(long offset, int count)
    {
        using var view = AsReadOnlySpan(offset, count);
        var text = Encoding.UTF8.GetString(view.Span.TrimEnd((byte)0));
        view.ThrowIfCut(this);
        return text;
    }

    /// <summary>Reads text that ends with a NUL, as in C.</summary>
    /// <param name="offset">The offset of the text.</param>
    /// <param name="limit">The largest number of bytes to search; -1 for all that follow.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: there is no NUL; <see cref="IpcErrors.OutOfRange"/>,
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadTerminatedText(long offset, long limit = -1)
    {
        var count = limit >= 0 ? limit : Size - offset;
        var end = IndexOf(0, offset, count);
        if (end < 0 || end - offset > MaxText)
            throw new IpcException(IpcErrors.InvalidData,
                $"The text at offset {offset} of '{Address}' does not end: there is no NUL in {count} bytes.", Address.Text,
                "Give the number of bytes of the text, or read it as bytes.")
            { Advice = IpcAdvice.SetTextEnd };
        return ReadText(offset, (int)(end - offset));
    }

    /// <summary>Reads text that follows its length in bytes, a 32-bit number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: the length is larger than the memory;
    /// <see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public string ReadPrefixedText(long offset) => ReadText(offset + sizeof(int), ReadLength(offset));

    /// <summary>Writes text, without its length and without a NUL.</summary>
    /// <param name="offset">The offset of the first byte.</param>
    /// <param name="text">The text.</param>
    /// <param name="count">The number of bytes to write, filled up with zeros; -1 for those of the text.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/> (also if the text is longer than <paramref name="count"/>),
    /// <see cref="IpcErrors.NotSupported"/> (read-only), <see cref="IpcErrors.Closed"/>.</exception>
    public int WriteText(long offset, string text, int count = -1)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (count >= 0 && bytes > count)
            throw new IpcException(IpcErrors.OutOfRange,
                $"The text has {bytes} bytes as UTF-8, which is more than the {count} bytes for it at offset {offset} of '{Address}'.",
                Address.Text);
        var length = Math.Max(bytes, count);
        using var view = AsSpan(offset, length);
        Encoding.UTF8.GetBytes(text, view.Span);
        view.Span[bytes..].Clear();
        view.ThrowIfCut(this);
        return length;
    }

    /// <summary>Writes text and its closing NUL.</summary>
    /// <returns>The number of bytes written.</returns>
    /// <inheritdoc cref="WriteText" path="/exception"/>
    public int WriteTerminatedText(long offset, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('\0', StringComparison.Ordinal))
            throw IpcException.Argument("The text contains a NUL, which would end it.", Address.Text);
        return WriteText(offset, text, Encoding.UTF8.GetByteCount(text) + 1);
    }

    /// <summary>Writes the length of text in bytes, a 32-bit number, and then the text.</summary>
    /// <returns>The number of bytes written.</returns>
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

    /// <summary>Reads bytes that follow their number, a 32-bit number.</summary>
    /// <inheritdoc cref="ReadPrefixedText" path="/exception"/>
    public byte[] ReadPrefixedBytes(long offset)
    {
        var bytes = new byte[ReadLength(offset)];
        Read(offset + sizeof(int), bytes.AsSpan());
        return bytes;
    }

    /// <summary>Writes the number of bytes, a 32-bit number, and then the bytes.</summary>
    /// <returns>The number of bytes written.</returns>
    /// <inheritdoc cref="WriteText" path="/exception"/>
    public int WritePrefixedBytes(long offset, ReadOnlySpan<byte> bytes)
    {
        using var view = AsSpan(offset, checked(bytes.Length + sizeof(int)));
        BitConverter.TryWriteBytes(view.Span, bytes.Length);
        bytes.CopyTo(view.Span[sizeof(int)..]);
        view.ThrowIfCut(this);
        return bytes.Length + sizeof(int);
    }

    /// <summary>Reads a length from the memory and checks it.</summary>
    private int ReadLength(long offset)
    {
        var length = Read<int>(offset);
        if (length < 0 || length > MaxText || length > Size - offset - sizeof(int))
            throw new IpcException(IpcErrors.InvalidData,
                $"The length at offset {offset} of '{Address}' is {(uint)length} bytes, which do not fit into its {Size} bytes.",
                Address.Text,
                "There is no text after its length at that offset. Give the number of bytes of the text, or read it up to its NUL.")
            { Advice = IpcAdvice.SetTextEnd };
        return length;
    }
}
