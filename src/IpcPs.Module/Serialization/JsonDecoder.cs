using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text.Json;
using System.Text.Unicode;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Decodes JSON as ConvertFrom-Json does: objects as PSCustomObjects, whole numbers as Int64 or BigInteger, other numbers as
/// Double. But a string that looks like a date stays a string.</summary>
internal static class JsonDecoder
{
    // The memory that .NET needs for each of these, estimated generously. It is charged to the message's budget.
    private const int ValueCost = 40;
    private const int BagCost = 450;
    private const int PropertyCost = 220;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = CodecLimits.MaxDepth };

    /// <summary>Decodes one value.</summary>
    /// <param name="json">The value in UTF-8, and nothing else.</param>
    /// <param name="id">The id of the error if it is not valid.</param>
    /// <param name="cancellation">Ends the decoding of a large value.</param>
    public static object? Decode(ReadOnlyMemory<byte> json, IpcErrorId id, CancellationToken cancellation = default)
    {
        try
        {
            var reader = new Utf8JsonReader(json.Span, Options);
            reader.Read();
            var limits = new Limits { Memory = CodecLimits.MemoryFor(json.Length), Cancellation = cancellation };
            var value = Read(ref reader, ref limits);
            return reader.Read() ? throw new JsonException("it has more than one value") : value;
        }
        catch (JsonException e)
        {
            const string Advice = "Receive with -Format Text or Bytes to see what the sender sends.";
            throw new IpcException(id, $"The message is not JSON: {e.Message}", null, Advice, e);
        }
    }

    private static object? Read(ref Utf8JsonReader reader, ref Limits limits)
    {
        Charge(ValueCost + (reader.ValueSpan.Length * 2L), ref limits);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, ref limits);
            case JsonTokenType.StartArray:
                return ReadArray(ref reader, ref limits);
            case JsonTokenType.String:
                return ReadText(ref reader);
            case JsonTokenType.Number:
                return ReadNumber(ref reader);
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            default:
                return null;
        }
    }

    private static object?[] ReadArray(ref Utf8JsonReader reader, ref Limits limits)
    {
        var items = new List<object?>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Read(ref reader, ref limits));
        return [.. items];
    }

    private static object ReadObject(ref Utf8JsonReader reader, ref Limits limits)
    {
        Charge(BagCost, ref limits);
        var bag = (PSObject)PSObjectModel.Instance.CreateBag(4);
        OrderedDictionary? table = null;
        Dictionary<string, int>? places = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = ReadText(ref reader);
            reader.Read();
            var value = Read(ref reader, ref limits);
            Charge(PropertyCost, ref limits);
            if (table is null && PSObjectModel.Instance.AddProperty(bag, name, value)) continue;
            // A PSCustomObject cannot have empty names, or names that differ only by case. A dictionary can.
            // If the same name comes twice, the last value counts.
            table ??= ToTable(bag);
            places ??= table.Keys.Cast<string>().Select(static (key, at) => (key, at)).ToDictionary(StringComparer.Ordinal);
            // To replace a value by its key, an OrderedDictionary searches all its keys.
            if (places.TryAdd(name, table.Count)) table.Add(name, value);
            else table[places[name]] = value;
        }
        return (object?)table ?? bag;
    }

    private static void Charge(long bytes, ref Limits limits)
    {
        if ((++limits.Steps & 1023) == 0) limits.Cancellation.ThrowIfCancellationRequested();
        if ((limits.Memory -= bytes) >= 0) return;
        const string Problem = "The JSON would need far more memory than its size justifies.";
        throw new IpcException(IpcErrors.MessageTooLarge, Problem, null, "Send it in parts.");
    }

    /// <summary>What is left of the message's memory, and what ends its decoding.</summary>
    private struct Limits
    {
        public long Memory;
        public uint Steps;
        public CancellationToken Cancellation;
    }

    private static OrderedDictionary ToTable(PSObject bag)
    {
        var table = new OrderedDictionary();
        foreach (var property in bag.Properties) table[property.Name] = property.Value;
        return table;
    }

    private static object ReadNumber(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out var whole)) return whole;
        var text = System.Text.Encoding.ASCII.GetString(reader.ValueSpan);
        const int LongestInteger = 1000;
        // The time to parse an integer grows with the square of its digits. A longer one becomes a Double.
        return text.Length <= LongestInteger && text.AsSpan().IndexOfAny('.', 'e', 'E') < 0
            ? (object)BigInteger.Parse(text, CultureInfo.InvariantCulture)
            : double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string ReadText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The string has an unpaired surrogate, or its bytes are not UTF-8.
            if (!Utf8.IsValid(reader.ValueSpan)) throw new JsonException("a string is not valid UTF-8");
            return JsonText.Unescape(reader.ValueSpan);
        }
    }
}
