using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Numerics;
using System.Text.Json;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Reads JSON as PowerShell values: objects as PSCustomObjects, arrays as arrays, whole numbers as Int64 (BigInteger beyond), others as Double, as
/// ConvertFrom-Json has it; strings stay strings, also those that look like dates.</summary>
internal static class JsonDecoder
{
    // What .NET takes for each, generously.
    private const int ValueCost = 40;
    private const int BagCost = 450;
    private const int PropertyCost = 220;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = CodecLimits.MaxDepth };

    /// <summary>Decodes one value.</summary>
    /// <param name="json">UTF-8, one value and nothing else.</param>
    /// <param name="id">What is raised where it is none.</param>
    public static object? Decode(ReadOnlyMemory<byte> json, IpcErrorId id)
    {
        try
        {
            var reader = new Utf8JsonReader(json.Span, Options);
            reader.Read();
            var budget = CodecLimits.MemoryFor(json.Length);
            var value = Read(ref reader, ref budget);
            return reader.Read() ? throw new JsonException("more than one value") : value;
        }
        catch (JsonException e)
        {
            throw new IpcException(id, $"The message is not JSON: {e.Message}", null, "Receive with -Format Text or Bytes to see what the other side sends.", e);
        }
    }

    private static object? Read(ref Utf8JsonReader reader, ref long budget)
    {
        Charge(ValueCost + (reader.ValueSpan.Length * 2L), ref budget);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, ref budget);
            case JsonTokenType.StartArray:
                return ReadArray(ref reader, ref budget);
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

    private static object?[] ReadArray(ref Utf8JsonReader reader, ref long budget)
    {
        var items = new List<object?>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Read(ref reader, ref budget));
        return [.. items];
    }

    private static object ReadObject(ref Utf8JsonReader reader, ref long budget)
    {
        Charge(BagCost, ref budget);
        var bag = (PSObject)PSObjectModel.Instance.CreateBag(4);
        OrderedDictionary? table = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = ReadText(ref reader);
            reader.Read();
            var value = Read(ref reader, ref budget);
            Charge(PropertyCost, ref budget);
            if (table is null && PSObjectModel.Instance.AddProperty(bag, name, value)) continue;
            // Names that a PSCustomObject cannot have (empty, the same but for case): a dictionary that can. Of the very same name the last counts.
            table ??= ToTable(bag);
            table[name] = value;
        }
        return (object?)table ?? bag;
    }

    private static void Charge(long bytes, ref long budget)
    {
        if ((budget -= bytes) < 0) throw new IpcException(IpcErrors.MessageTooLarge, "The JSON would become far more memory than its size justifies.", null, "Send it in parts.");
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
        // Parsing takes time with the square of the digits.
        if (text.Length <= LongestInteger && text.AsSpan().IndexOfAny('.', 'e', 'E') < 0) return BigInteger.Parse(text, CultureInfo.InvariantCulture);
        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string ReadText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, or bytes that are no UTF-8.
            return System.Text.Unicode.Utf8.IsValid(reader.ValueSpan) ? JsonText.Unescape(reader.ValueSpan) : throw new JsonException("a string is no valid UTF-8");
        }
    }
}
