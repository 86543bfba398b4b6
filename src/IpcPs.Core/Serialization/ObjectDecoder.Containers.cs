using System.Collections;
using System.Collections.Specialized;
using System.Runtime.InteropServices;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Lists, dictionaries and property bags: values that contain other values.</content>
public sealed partial class ObjectDecoder
{
    private object?[] ReadArray(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Descend(depth);
        if (IsIndefinite(first)) return ReadItems(ref cursor, first, claimed, depth).ToArray();
        var count = cursor.CheckCount(claimed, 1);
        Charge(ObjectCost + ((long)count * ReferenceCost));
        if (count == 0) return [];
        var items = new object?[count];
        for (var i = 0; i < items.Length; i++) items[i] = Read(ref cursor, inner);
        return items;
    }

    private List<object?> ReadItems(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Descend(depth);
        Charge(ObjectCost * 2);
        if (!IsIndefinite(first))
        {
            var count = cursor.CheckCount(claimed, 1);
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
        var inner = Read(ref cursor, Descend(depth));
        // The list is a copy, and needs as much memory as the array.
        Charge(before - _budget);
        return inner is Array array && ArrayType.Find(array.GetType()) is { } type
            ? type.ToList(array)
            : throw CborError.Invalid("a list does not contain an array");
    }

    private Array ReadTypedArray(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 2);
        var code = ReadInteger(ref cursor);
        var items = ReadItems(ref cursor, depth);
        Charge(ObjectCost + (items.Count * 2L * ReferenceCost));
        return ArrayType.Create(code, items);
    }

    private HashSet<object?> ReadSet(ref CborCursor cursor, int depth)
    {
        var items = ReadItems(ref cursor, depth);
        Charge(TableCost + ((long)items.Count * EntryCost));
        RefuseCollisions(items, step: 1);
        var set = new HashSet<object?>(items.Count, KeyComparer.Exact);
        foreach (var item in items)
        {
            Step();
            set.Add(item);
        }
        return set;
    }

    private Hashtable ReadTable(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var entries = ReadEntries(ref cursor, first, claimed, depth);
        // If two keys differ only by case, the table must be case-sensitive, as the sender's was.
        return TryFill(new Hashtable(entries.Count / 2, KeyComparer.IgnoreCase), entries)
            ?? TryFill(new Hashtable(entries.Count / 2, KeyComparer.Exact), entries)
            ?? throw SameKeyTwice();
    }

    private OrderedDictionary ReadOrdered(ref CborCursor cursor, int depth)
    {
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Map);
        var entries = ReadEntries(ref cursor, first, claimed, depth);
        return TryFill(new OrderedDictionary(entries.Count / 2, KeyComparer.IgnoreCase), entries)
            ?? TryFill(new OrderedDictionary(entries.Count / 2, KeyComparer.Exact), entries)
            ?? throw SameKeyTwice();
    }

    /// <summary>Reads the entries of a map.</summary>
    /// <returns>Each key, followed by its value.</returns>
    private List<object?> ReadEntries(ref CborCursor cursor, byte first, ulong claimed, int depth)
    {
        var inner = Descend(depth);
        var indefinite = IsIndefinite(first);
        var count = indefinite ? 0 : cursor.CheckCount(claimed, 2);
        Charge(TableCost + ((long)count * EntryCost));
        var entries = new List<object?>(count * 2);
        while (indefinite ? !cursor.TryReadBreak() : entries.Count < count * 2)
        {
            if (indefinite) Charge(EntryCost);
            entries.Add(Read(ref cursor, inner) ?? throw CborError.Invalid("a key of a dictionary is null"));
            entries.Add(Read(ref cursor, inner));
        }
        RefuseCollisions(entries, step: 2);
        return entries;
    }

    /// <summary>Refuses many unequal keys with the same hash, because a table of them would take hours to fill.</summary>
    private void RefuseCollisions(List<object?> items, int step)
    {
        // So many equal hashes cost no time that is worth mentioning.
        const int Harmless = 64;
        if (items.Count / step <= Harmless) return;
        Dictionary<int, int>? hashes = null;
        for (var i = 0; i < items.Count; i += step)
        {
            Step();
            if (items[i] is not { } key || KeyComparer.IsWellHashed(key)) continue;
            hashes ??= [];
            // Of the comparer, whose hashes are random, because keys could be chosen to collide in this dictionary too.
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(hashes, KeyComparer.Exact.GetHashCode(key), out _);
            if (++count > Harmless) throw CborError.Invalid("too many keys of a dictionary have the same hash");
        }
    }

    /// <summary>Fills a dictionary.</summary>
    /// <returns>Null if it has two of the keys as one. It ends at the first of them, because an OrderedDictionary searches all its entries
    /// to replace one.</returns>
    private TTable? TryFill<TTable>(TTable table, List<object?> entries)
        where TTable : class, IDictionary
    {
        for (var i = 0; i < entries.Count; i += 2)
        {
            Step();
            table[entries[i]!] = entries[i + 1];
            if (table.Count * 2 != i + 2) return null;
        }
        return table;
    }

    private static IpcException SameKeyTwice() => CborError.Invalid("a dictionary has the same key twice");

    private object ReadBag(ref CborCursor cursor, int depth)
    {
        var inner = Descend(depth);
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Map);
        var indefinite = IsIndefinite(first);
        var count = indefinite ? 0 : cursor.CheckCount(claimed, 2);
        Charge(BagCost + ((long)count * PropertyCost));
        var bag = _model.CreateBag(count);
        for (var i = 0; indefinite ? !cursor.TryReadBreak() : i < count; i++)
        {
            if (indefinite) Charge(PropertyCost);
            var name = ReadName(ref cursor);
            if (name.Length == 0) throw CborError.Invalid("the name of a property is empty");
            var value = Read(ref cursor, inner);
            if (!_model.AddProperty(bag, name, value)) throw CborError.Invalid($"an object cannot have a property '{name}', or has two");
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

    private object ReadExtended(ref CborCursor cursor, int depth)
    {
        RequireLength(ref cursor, 3);
        var value = Read(ref cursor, Descend(depth)) ?? throw CborError.Invalid("properties were added to null");
        var names = ReadTypeNames(ref cursor);
        return _model.AddMembers(value, names, ReadBag(ref cursor, depth));
    }

    private string[] ReadTypeNames(ref CborCursor cursor)
    {
        var first = cursor.ReadHead(out var claimed);
        Require(first, CborMajor.Array);
        if (IsIndefinite(first) || claimed > CodecLimits.MaxTypeNames) throw CborError.Invalid("an object has too many type names");
        var count = cursor.CheckCount(claimed, 1);
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
