using System.Collections;
using System.Management.Automation;
using System.Runtime.Serialization;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>A PSDataCollection over a list of our own: PowerShell's one way to give it one is the constructor for deserialization.</summary>
internal class ListCollection<T> : PSDataCollection<T>
{
    /// <summary>Wraps a list; the collection is open, and enumerating it does not wait for more.</summary>
    public ListCollection(IList<T> list, bool enumeratorNeverBlocks = true) : base(Describe(list, enumeratorNeverBlocks), default)
    {
    }

#pragma warning disable SYSLIB0050 // Nothing is serialized here.
    private static SerializationInfo Describe(IList<T> list, bool enumeratorNeverBlocks)
    {
        var info = new SerializationInfo(typeof(PSDataCollection<T>), new FormatterConverter());
        info.AddValue("Data", list, typeof(IList<T>));
        info.AddValue("BlockingEnumerator", false);
        info.AddValue("DataAddedCount", 1);
        info.AddValue("EnumeratorNeverBlocks", enumeratorNeverBlocks);
        info.AddValue("IsOpen", true);
        return info;
    }
#pragma warning restore SYSLIB0050
}

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
