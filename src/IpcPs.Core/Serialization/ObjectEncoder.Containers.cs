using System.Collections;
using System.Collections.Specialized;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>Lists, dictionaries and property bags: values that contain other values.</content>
public sealed partial class ObjectEncoder
{
    private bool TryWriteContainer(object value)
    {
        switch (value)
        {
            case Array array:
                WriteArray(array);
                return true;
            case OrderedDictionary ordered:
                WriteMap(ordered, CborTags.OrderedMap);
                return true;
            case IDictionary map:
                WriteMap(map, tag: 0);
                return true;
            case ArrayList list:
                if (!Enter(list)) return true;
                _buffer.Tag(CborTags.ArrayList);
                WriteElements(list);
                Exit();
                return true;
            case IpcPropertyBag bag:
                WriteBag(bag);
                return true;
            default:
                return value is IEnumerable items && value.GetType() is { IsGenericType: true } type &&
                    TryWriteGeneric(items, type.GetGenericTypeDefinition());
        }
    }

    private bool TryWriteGeneric(IEnumerable items, Type definition)
    {
        if (definition != typeof(List<>) && definition != typeof(HashSet<>)) return false;
        if (!Enter(items)) return true;
        if (definition == typeof(HashSet<>))
        {
            _buffer.Tag(CborTags.Set);
            WriteElements(items);
        }
        else
        {
            _buffer.Tag(CborTags.List);
            WriteTyped((IList)items, ArrayType.Find(items.GetType().GetGenericArguments()[0]));
        }
        Exit();
        return true;
    }

    private void WriteArray(Array array)
    {
        if (!Enter(array)) return;
        WriteTyped(array, ArrayType.Find(array.GetType()));
        Exit();
    }

    private void WriteTyped(IList list, ArrayType? type)
    {
        if (type is null || !type.TryWrite(_buffer, list)) WriteElements(list);
    }

    private void WriteItems(object?[] items)
    {
        if (!Enter(items)) return;
        _buffer.Head(CborMajor.Array, (ulong)items.Length);
        foreach (var item in items) Write(item);
        Exit();
    }

    /// <summary>Writes the items of any collection as an array. For models.</summary>
    public void WriteSequence(IEnumerable items)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (!Enter(items)) return;
        WriteElements(items);
        Exit();
    }

    private void WriteElements(IEnumerable items)
    {
        var begin = _buffer.BeginItems(CborMajor.Array);
        var count = 0;
        foreach (var item in items)
        {
            Write(item);
            count++;
        }
        _buffer.EndItems(begin, count);
    }

    private void WriteMap(IDictionary map, uint tag)
    {
        if (!Enter(map)) return;
        if (tag != 0) _buffer.Tag(tag);
        var begin = _buffer.BeginItems(CborMajor.Map);
        var count = 0;
        var entries = map.GetEnumerator();
        while (entries.MoveNext())
        {
            Write(entries.Key);
            Write(entries.Value);
            count++;
        }
        (entries as IDisposable)?.Dispose();
        _buffer.EndItems(begin, count);
        Exit();
    }

    private void WriteBag(IpcPropertyBag bag)
    {
        PropertyBagWriter writer;
        if (bag.IsCopy ? !BeginObject(bag, bag.TypeNames, bag.Text, out writer)
            : bag.TypeNames.Count > 0 ? !BeginNamedBag(bag, bag.TypeNames, out writer)
            : !BeginBag(bag, out writer)) return;
        foreach (var (name, value) in bag) writer.Add(name, value);
        writer.End();
    }

    private void WriteNames(IReadOnlyList<string> names)
    {
        _buffer.Head(CborMajor.Array, (ulong)names.Count);
        for (var i = 0; i < names.Count; i++) _buffer.Text(names[i]);
    }

    /// <summary>Begins a level.</summary>
    /// <returns>False if the object contains itself or is nested too deeply. A mark was written in its place.</returns>
    private bool Enter(object identity)
    {
        var depth = _depth;
        if (depth < _path.Length)
        {
            for (var i = depth - 1; i >= 0; i--)
            {
                if (ReferenceEquals(_path[i], identity) && !ReferenceEquals(identity, Level)) return Omit(IpcOmission.Cycle, identity);
            }
            _path[depth] = identity;
            _depth = depth + 1;
            return true;
        }
        return Omit(IpcOmission.Depth, identity);
    }

    private void Exit() => _path[--_depth] = null;

    private bool Omit(IpcOmission reason, object identity)
    {
        var type = identity.GetType().FullName ?? "object";
        Warn(reason == IpcOmission.Cycle
            ? $"A {type} contains itself. A mark was sent in its place."
            : $"A {type} is nested more than {CodecLimits.MaxDepth} levels deep. A mark was sent in its place.");
        WriteOmitted(reason, type);
        return false;
    }
}
