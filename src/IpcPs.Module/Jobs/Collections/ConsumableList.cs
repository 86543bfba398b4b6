using System.Collections;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>A list for a job's output, a queue in a circular array. Receive-Job removes one object after the other from the front.
/// List&lt;T&gt; would move all the others each time, for minutes if there are a million.</summary>
/// <remarks>Not synchronized: PSDataCollection locks around every use of its list.</remarks>
/// <param name="removed">Called with each item that is removed; null for nothing.</param>
internal sealed class ConsumableList<T>(Action<T>? removed = null) : IList<T>
{
    private T[] _items = new T[16];
    private int _first;

    public int Count { get; private set; }

    public bool IsReadOnly => false;

    public T this[int index]
    {
        get => _items[Place(index)];
        set => _items[Place(index)] = value;
    }

    public void Add(T item) => Insert(Count, item);

    public void Insert(int index, T item)
    {
        if (index < 0 || index > Count) throw new ArgumentOutOfRangeException(nameof(index));
        if (Count == _items.Length) Grow();
        Count++;
        for (var i = Count - 1; i > index; i--) this[i] = this[i - 1];
        this[index] = item;
    }

    public void RemoveAt(int index)
    {
        var item = this[index];
        if (index == 0)
        {
            _items[_first] = default!;
            _first = (_first + 1) & (_items.Length - 1);
        }
        else
        {
            for (var i = index; i < Count - 1; i++) this[i] = this[i + 1];
            this[Count - 1] = default!;
        }
        Count--;
        // Memory for a million objects is not kept for the next ten.
        if (Count == 0 && _items.Length > 1024) Clear();
        removed?.Invoke(item);
    }

    public void Clear()
    {
        _items = new T[16];
        _first = Count = 0;
    }

    public int IndexOf(T item)
    {
        for (var i = 0; i < Count; i++)
        {
            if (EqualityComparer<T>.Default.Equals(this[i], item)) return i;
        }
        return -1;
    }

    public bool Contains(T item) => IndexOf(item) >= 0;

    public bool Remove(T item)
    {
        var index = IndexOf(item);
        if (index >= 0) RemoveAt(index);
        return index >= 0;
    }

    public void CopyTo(T[] array, int arrayIndex)
    {
        for (var i = 0; i < Count; i++) array[arrayIndex + i] = this[i];
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // The length is a power of two, so that a mask finds the place.
    private int Place(int index) =>
        (uint)index < (uint)Count ? (_first + index) & (_items.Length - 1) : throw new ArgumentOutOfRangeException(nameof(index));

    private void Grow()
    {
        var larger = new T[_items.Length * 2];
        CopyTo(larger, 0);
        _items = larger;
        _first = 0;
    }
}
