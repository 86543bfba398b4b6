using System.Collections;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>A stream that keeps nothing: each record goes on at once, on the thread that wrote it.</summary>
internal sealed class ForwardingCollection<T>(Action<T> forward) : ListCollection<T>(new ForwardingList(forward))
{
    // Always empty: what is inserted has been taken away when Insert returns.
    private sealed class ForwardingList(Action<T> forward) : IList<T>
    {
        public int Count => 0;

        public bool IsReadOnly => false;

        public T this[int index]
        {
            get => throw new ArgumentOutOfRangeException(nameof(index));
            set => throw new ArgumentOutOfRangeException(nameof(index));
        }

        public void Insert(int index, T item) => forward(item);

        public void Add(T item) => forward(item);

        public void Clear()
        {
        }

        public void RemoveAt(int index) => throw new ArgumentOutOfRangeException(nameof(index));

        public bool Remove(T item) => false;

        public int IndexOf(T item) => -1;

        public bool Contains(T item) => false;

        public void CopyTo(T[] array, int arrayIndex)
        {
        }

        public IEnumerator<T> GetEnumerator() => Enumerable.Empty<T>().GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
