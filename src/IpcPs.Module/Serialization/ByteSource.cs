using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text;

namespace IpcPs.Module.Serialization;

/// <summary>Converts a value to bytes, for format Bytes: byte arrays, numbers from 0 to 255, sequences of such numbers, streams, and text
/// as UTF-8.</summary>
internal static class ByteSource
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static ReadOnlySpan<byte> From(object? value, CancellationToken cancellation = default)
    {
        switch (Unwrap(value))
        {
            case null:
                return default;
            // To the runtime an sbyte[] is a byte[] too.
            case byte[] bytes when bytes.GetType() == typeof(byte[]):
                return bytes;
            case ReadOnlyMemory<byte> memory:
                return memory.Span;
            case Memory<byte> memory:
                return memory.Span;
            case ArraySegment<byte> segment:
                return segment;
            case string text:
                return TextBytes(text);
            case Stream stream:
                return ReadAll(stream, cancellation);
            case IDictionary table:
                throw Wrong(table);
            case IEnumerable items:
                return Collect(items, cancellation);
            case { } number:
                return new[] { ToByte(number) };
        }
    }

    /// <summary>A text as UTF-8.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: UTF-8 has no form for it.</exception>
    public static byte[] TextBytes(string text)
    {
        try
        {
            // Not GetBytes alone, which clears the memory first: that takes as long as to write it.
            var bytes = GC.AllocateUninitializedArray<byte>(Strict.GetByteCount(text));
            Strict.GetBytes(text, bytes);
            return bytes;
        }
        catch (EncoderFallbackException)
        {
            throw UnpairedSurrogate();
        }
    }

    /// <summary>The exception for a text that UTF-8 has no form for.</summary>
    public static IpcException UnpairedSurrogate() =>
        new(IpcErrors.InvalidArgument, "The text contains half of a surrogate pair, which UTF-8 has no form for.", null,
            "Send it with -Format Object, which keeps every string as it is.");

    private static byte[] ReadAll(Stream stream, CancellationToken cancellation)
    {
        using var whole = new MemoryStream();
        var part = new byte[81920];
        int read;
        while ((read = stream.Read(part)) > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            whole.Write(part, 0, read);
            if (whole.Length <= IpcChannel.MaxStreamMessage) continue;
            var problem = $"The stream has more than {IpcChannel.MaxStreamMessage} bytes, which is the limit of a message.";
            throw new IpcException(IpcErrors.MessageTooLarge, problem, null, "Send it in parts.") { Advice = IpcAdvice.SendFile };
        }
        return whole.ToArray();
    }

    private static byte[] Collect(IEnumerable items, CancellationToken cancellation)
    {
        var bytes = new List<byte>();
        foreach (var item in items)
        {
            if ((bytes.Count & 255) == 255) cancellation.ThrowIfCancellationRequested();
            bytes.Add(ToByte(Unwrap(item)));
        }
        return bytes.ToArray();
    }

    private static byte ToByte(object? value)
    {
        switch (value)
        {
            case byte number:
                return number;
            case sbyte or short or ushort or int or uint or long or ulong or char:
                var wide = value is char unit ? unit : Convert.ToDecimal(value, CultureInfo.InvariantCulture);
                if (wide is >= 0 and <= 255) return (byte)wide;
                throw new IpcException(IpcErrors.InvalidArgument, $"{wide} is not a byte, which is a number from 0 to 255.", null,
                    "Use -Format Object, or convert the numbers to bytes with [BitConverter]::GetBytes().");
            default:
                throw Wrong(value);
        }
    }

    private static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    private static IpcException Wrong(object? value)
    {
        var type = value?.GetType().ToString() ?? "null";
        var problem = $"Format Bytes sends byte arrays, numbers from 0 to 255, streams and text. It cannot send a {type}.";
        return new IpcException(IpcErrors.InvalidArgument, problem, null, "Use -Format Object, Json or Text.");
    }
}
