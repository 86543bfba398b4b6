using System.Collections;
using System.Management.Automation;
using System.Runtime.Serialization;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>A PSDataCollection over a given list. Only the constructor for deserialization accepts a list.</summary>
internal class ListCollection<T> : PSDataCollection<T>
{
    /// <summary>Wraps a list. The collection is open.</summary>
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

/// <summary>What the streams of jobs have in common.</summary>
internal static class StreamCollections
{
    /// <summary>Adds a record, unless the job has ended or was removed.</summary>
    public static void AddIfOpen<T>(this PSDataCollection<T> stream, T record)
    {
        try
        {
            stream.Add(record);
        }
        catch (Exception e) when (e is ObjectDisposedException or PSInvalidOperationException)
        {
            // Closed.
        }
    }
}

/// <summary>A stream that keeps nothing: it forwards each record at once, on the thread that wrote it.</summary>
internal sealed class ForwardingCollection<T>(Action<T> forward) : ListCollection<T>(new ForwardingList(forward))
{
    // Always empty: Insert forwards the item.
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
