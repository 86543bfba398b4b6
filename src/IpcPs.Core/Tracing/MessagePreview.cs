using System.Collections;
using System.Globalization;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Serialization;

namespace IpcPs.Tracing;

/// <summary>Describes the bytes of a message: their format, and their beginning as printable text. Nothing in a message is ever
/// run.</summary>
internal sealed class MessagePreview(IpcFormat requested)
{
    private const int MaxText = 100;

    // A larger Object is not decoded for the sake of a preview.
    private const int MaxDecoded = 64 * 1024;

    private readonly ObjectDecoder _decoder = new();

    /// <summary>Describes a message as it travels: with its envelope, if it has one.</summary>
    /// <returns>Its format, its size and its preview.</returns>
    public (IpcFormat Format, long Size, string Text) OfPacket(ReadOnlySpan<byte> packet)
    {
        if (requested is IpcFormat.Auto or IpcFormat.Object && packet.Length > 0 && packet[0] == EnvelopeHeader.Marker
            && EnvelopeHeader.TryRead(packet, IpcChannel.MaxStreamMessage, out var header, out _)
            && (header.IsFragment || packet.Length >= header.Size + header.PayloadLength))
        {
            var payload = packet.Slice(header.Size, Math.Min(header.PayloadLength, packet.Length - header.Size));
            if (header.IsReference) return (header.Format, LargeMessage.LengthOf(payload), "(in shared memory)");
            if (header.IsFragment) return (header.Format, payload.Length, $"(part of {header.MessageLength} bytes, at {header.Offset})");
            return OfPayload(payload, header.Format);
        }
        return OfPayload(packet, IpcFormat.Auto);
    }

    /// <summary>Describes a message without its envelope.</summary>
    public (IpcFormat Format, long Size, string Text) OfPayload(ReadOnlySpan<byte> payload, IpcFormat format)
    {
        var actual = format != IpcFormat.Auto ? format : requested != IpcFormat.Auto ? requested
            : System.Text.Unicode.Utf8.IsValid(payload) ? IpcFormat.Text : IpcFormat.Bytes;
        return (actual, payload.Length, requested == IpcFormat.Bytes ? Hex(payload) : actual switch
        {
            IpcFormat.Object when payload.Length <= MaxDecoded => OfObject(payload),
            IpcFormat.Text or IpcFormat.Json => Printable(Encoding.UTF8.GetString(payload[..Math.Min(payload.Length, 4 * MaxText)])),
            _ => OfBytes(payload),
        });
    }

    private string OfObject(ReadOnlySpan<byte> payload)
    {
        try
        {
            var text = new StringBuilder();
            Append(text, _decoder.Decode(payload.ToArray()), 0);
            return Printable(text.ToString());
        }
        catch (IpcException)
        {
            return OfBytes(payload);
        }
    }

    private static void Append(StringBuilder text, object? value, int depth)
    {
        if (text.Length > MaxText) return;
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case string words:
                text.Append(words.AsSpan(0, Math.Min(words.Length, 2 * MaxText)));
                break;
            case byte[] bytes:
                text.Append(CultureInfo.InvariantCulture, $"({bytes.Length} bytes)");
                break;
            case IpcPropertyBag { Text: { } own } bag when bag.Count == 0 || depth > 1:
                text.Append(own);
                break;
            case IReadOnlyDictionary<string, object?> properties:
                AppendMany(text, '{', '}', properties, (p, t) => Pair(t, p.Key, p.Value, depth));
                break;
            case IDictionary table:
                AppendMany(text, '{', '}', table.Cast<DictionaryEntry>(), (p, t) => Pair(t, p.Key, p.Value, depth));
                break;
            case IEnumerable items when depth < 4:
                AppendMany(text, '[', ']', items.Cast<object?>(), (item, t) => Append(t, item, depth + 1));
                break;
            case IFormattable number:
                text.Append(number.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                text.Append(value);
                break;
        }
    }

    private static void Pair(StringBuilder text, object key, object? value, int depth)
    {
        text.Append(CultureInfo.InvariantCulture, $"{key}=");
        if (depth < 4) Append(text, value, depth + 1);
    }

    private static void AppendMany<T>(StringBuilder text, char begin, char end, IEnumerable<T> items, Action<T, StringBuilder> append)
    {
        text.Append(begin);
        var first = true;
        foreach (var item in items)
        {
            if (text.Length > MaxText) break;
            if (!first) text.Append(", ");
            first = false;
            append(item, text);
        }
        text.Append(end);
    }

    private static string OfBytes(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var one in bytes[..Math.Min(bytes.Length, MaxText)]) text.Append(one is >= 0x20 and < 0x7f ? (char)one : '.');
        return Cut(text, bytes.Length > MaxText);
    }

    private static string Hex(ReadOnlySpan<byte> bytes)
    {
        const int most = MaxText / 2;
        var text = new StringBuilder(Convert.ToHexString(bytes[..Math.Min(bytes.Length, most)]).ToLowerInvariant());
        return Cut(text, bytes.Length > most);
    }

    // A control character would move the cursor, change colours, or worse.
    private static string Printable(string text)
    {
        var result = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (result.Length >= MaxText) return Cut(result, true);
            switch (rune.Value)
            {
                case '\n':
                    result.Append("\\n");
                    break;
                case '\r':
                    result.Append("\\r");
                    break;
                case '\t':
                    result.Append("\\t");
                    break;
                case '\\':
                    result.Append("\\\\");
                    break;
                default:
                    if (IsPrintable(rune)) result.Append(rune.ToString());
                    else result.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
                    break;
            }
        }
        return result.ToString();
    }

    // Characters of format include those that turn the direction of the text.
    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);

    private static string Cut(StringBuilder text, bool isCut) => isCut ? text.Append("...").ToString() : text.ToString();
}
