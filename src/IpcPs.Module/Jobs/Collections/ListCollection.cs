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
