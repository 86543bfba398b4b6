using System.Collections;
using System.Collections.Specialized;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Lists, dictionaries and bags: what holds other values.</content>
public sealed partial class ObjectDecoder
{
    private object?[] ReadArray(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Deeper(depth);
        if (IsIndefinite(first)) return ReadItems(ref cursor, first, claimed, depth).ToArray();
        var count = cursor.Count(claimed, 1);
        Charge(ObjectCost + ((long)count * ReferenceCost));
        if (count == 0) return [];
        var items = new object?[count];
        for (var i = 0; i < items.Length; i++) items[i] = Read(ref cursor, inner);
        return items;
    }

    private List<object?> ReadItems(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Deeper(depth);
        Charge(ObjectCost * 2);
        if (!IsIndefinite(first))
        {
            var count = cursor.Count(claimed, 1);
            Charge((long)count * ReferenceCost);
            var items = new List<object?>(count);
            for (; count > 0; count--) items.Add(Read(ref cursor, inner));
            return items;
        }
        var growing = new List<object?>();
        while (!cursor.TryReadBreak())
        {
            Charge(ReferenceCost * 3);
            growing.Add(Read(ref cursor, inner));
        }
        return growing;
    }

    private List<object?> ReadItems(ref CborCursor cursor, int depth)
    {
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Array);
        return ReadItems(ref cursor, first, claimed, depth);
    }

    private IList ReadList(ref CborCursor cursor, ulong tag, int depth)
    {
        if (tag == CborTags.ArrayList)
        {
            var items = ReadItems(ref cursor, depth);
            Charge(ObjectCost + ((long)items.Count * ReferenceCost));
            return new ArrayList(items);
        }
        if ((CborMajor)(cursor.Peek() & 0xE0) == CborMajor.Array) return ReadItems(ref cursor, depth);
        var before = _budget;
        var inner = Read(ref cursor, Deeper(depth));
        // The copy costs as much as what was read.
        Charge(before - _budget);
        return inner switch
        {
            Array array when NumberArrays.ToList(array) is { } numbers => numbers,
            Array array when ElementTypes.Find(array.GetType().GetElementType()!) is { } element => element.ToList(array),
            _ => throw CborError.Invalid("a list is made of something that is no array"),
        };
    }

    private Array ReadTypedArray(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 2);
        var code = ReadInteger(ref cursor);
        var element = code >= 0 && code <= int.MaxValue ? ElementTypes.Find((ulong)code) : null;
        if (element is null) throw CborError.Invalid($"arrays of element code {code} are not known");
        var items = ReadItems(ref cursor, depth);
        Charge(ObjectCost + (items.Count * 2L * ReferenceCost));
        return element.ToArray(items) ?? throw CborError.Invalid($"an array of {element.Type} has a value of another type");
    }

    private HashSet<object?> ReadSet(ref CborCursor cursor, int depth)
    {
        var items = ReadItems(ref cursor, depth);
        Charge(TableCost + ((long)items.Count * EntryCost));
        HashCollisionGuard.Check(items);
        return [.. items];
    }

    private Hashtable ReadTable(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var entries = ReadEntries(ref cursor, first, claimed, depth);
        var table = new Hashtable(entries.Count / 2, StringComparer.OrdinalIgnoreCase);
        Fill(entries, table);
        if (table.Count * 2 == entries.Count) return table;
        // Two keys that differ only in case: a table that tells them apart, as the sender's did.
        table = new Hashtable(entries.Count / 2);
        Fill(entries, table);
        return table.Count * 2 == entries.Count ? table : throw CborError.Invalid("a dictionary has the same key twice");
    }

    private OrderedDictionary ReadOrdered(ref CborCursor cursor, int depth)
    {
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Map);
        var entries = ReadEntries(ref cursor, first, claimed, depth);
        var table = new OrderedDictionary(entries.Count / 2, StringComparer.OrdinalIgnoreCase);
        Fill(entries, table);
        if (table.Count * 2 == entries.Count) return table;
        table = new OrderedDictionary(entries.Count / 2);
        Fill(entries, table);
        return table.Count * 2 == entries.Count ? table : throw CborError.Invalid("a dictionary has the same key twice");
    }

    /// <summary>Keys and values in turn.</summary>
    private List<object?> ReadEntries(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Deeper(depth);
        var indefinite = IsIndefinite(first);
        var count = indefinite ? 0 : cursor.Count(claimed, 2);
        Charge(TableCost + ((long)count * EntryCost));
        var entries = new List<object?>(count * 2);
        while (indefinite ? !cursor.TryReadBreak() : entries.Count < count * 2)
        {
            if (indefinite) Charge(EntryCost);
            entries.Add(Read(ref cursor, inner) ?? throw CborError.Invalid("a dictionary has null for a key"));
            entries.Add(Read(ref cursor, inner));
        }
        HashCollisionGuard.Check(entries, every: 2);
        return entries;
    }

    private static void Fill(List<object?> entries, IDictionary table)
    {
        for (var i = 0; i < entries.Count; i += 2) table[entries[i]!] = entries[i + 1];
    }

    private object ReadBag(ref CborCursor cursor, int depth)
    {
        var inner = Deeper(depth);
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Map);
        var indefinite = IsIndefinite(first);
        var count = indefinite ? 0 : cursor.Count(claimed, 2);
        Charge(BagCost + ((long)count * PropertyCost));
        var bag = _model.CreateBag(count);
        for (var i = 0; indefinite ? !cursor.TryReadBreak() : i < count; i++)
        {
            if (indefinite) Charge(PropertyCost);
            var name = ReadName(ref cursor);
            if (name.Length == 0) throw CborError.Invalid("a property has no name");
            if (!_model.AddProperty(bag, name, Read(ref cursor, inner))) throw CborError.Invalid($"an object has two properties '{name}'");
        }
        return bag;
    }

    private object ReadNamedBag(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 2);
        var names = ReadTypeNames(ref cursor);
        return _model.CompleteBag(ReadBag(ref cursor, depth), names, text: null, isCopy: false);
    }

    private object ReadObject(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 3);
        var names = ReadTypeNames(ref cursor);
        var text = ReadStringOrNull(ref cursor);
        return _model.CompleteBag(ReadBag(ref cursor, depth), names, text, isCopy: true);
    }

    private object ReadDecorated(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 3);
        var value = Read(ref cursor, Deeper(depth)) ?? throw CborError.Invalid("null has properties");
        var names = ReadTypeNames(ref cursor);
        return _model.Decorate(value, names, ReadBag(ref cursor, depth));
    }

    private string[] ReadTypeNames(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Array);
        if (IsIndefinite(first) || claimed > CodecLimits.MaxTypeNames) throw CborError.Invalid("an object has too many type names");
        var count = cursor.Count(claimed, 1);
        if (count == 0) return [];
        Charge(ObjectCost + (count * ReferenceCost));
        var names = new string[count];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = ReadName(ref cursor);
            if (names[i].Length == 0) throw CborError.Invalid("a type name is empty");
        }
        return names;
    }
}
