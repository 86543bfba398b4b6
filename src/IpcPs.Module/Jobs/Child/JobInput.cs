using System.Collections;
using System.Management.Automation;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The reading end of what is piped to a job: the parent's values, or the output of the jobs before it.</summary>
/// <param name="link">Where the objects come from; null where nothing was piped.</param>
/// <param name="stopping">Cancelled when the script is to end.</param>
internal sealed class JobInput(JobTransportReader? link, CancellationToken stopping) : IDisposable
{
    private readonly MessageBuffer _message = new();
    private readonly JobSerializer _codec = new();

    /// <summary>Nobody writes any more.</summary>
    /// <param name="writers">How many have written.</param>
    public void End(int writers) => link?.EndOfWriters(writers);

    /// <summary>Waits for the next object.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="PipelineStoppedException">The script is to end.</exception>
    public bool TryReceive(out PSObject? value)
    {
        value = null;
        try
        {
            if (link is null || !link.Receive(_message)) return false;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        var decoded = _codec.Decode(_message.Payload);
        value = decoded is null ? null : PSObject.AsPSObject(decoded);
        return true;
    }

    /// <summary>Lets go of the input: who still writes to it learns that nobody reads.</summary>
    public void Dispose() => link?.Dispose();
}

/// <summary>The child's <c>$input</c>: PowerShell enumerates a collection, and each object is received when it is asked for. Nothing is collected, whatever
/// blocks the script has: of a pipeline whose input comes from outside, PowerShell hands even an end block the live enumerator.</summary>
/// <remarks>PowerShell asks for Count, then for the item at an index that grows by one: Count waits for the next message.</remarks>
internal sealed class LazyInput : ListCollection<PSObject?>
{
    private LazyInput(ReceivedList list) : base(list, enumeratorNeverBlocks: false) => list.OnEnd = Complete;

    /// <summary>The input that comes from a source.</summary>
    public LazyInput(JobInput source) : this(new ReceivedList(source))
    {
    }

    private sealed class ReceivedList(JobInput source) : IList<PSObject?>
    {
        private int _taken;
        private bool _waiting;
        private bool _ended;
        private PSObject? _current;

        /// <summary>Closes the collection, as an enumerator waits at the end of an open one.</summary>
        public Action? OnEnd { get; set; }

        public int Count
        {
            get
            {
                if (!_waiting && !_ended)
                {
                    _waiting = source.TryReceive(out _current);
                    _ended = !_waiting;
                    if (_ended) OnEnd?.Invoke();
                }
                return _waiting ? _taken + 1 : _taken;
            }
        }

        public bool IsReadOnly => true;

        public PSObject? this[int index]
        {
            get
            {
                if (index != _taken || !_waiting) throw new ArgumentOutOfRangeException(nameof(index));
                _taken++;
                _waiting = false;
                var item = _current;
                _current = null;
                return item;
            }
            set => throw new NotSupportedException();
        }

        // PowerShell clears the collection when it is done with it.
        public void Clear()
        {
        }

        public void Add(PSObject? item) => throw new NotSupportedException();

        public void Insert(int index, PSObject? item) => throw new NotSupportedException();

        public void RemoveAt(int index) => throw new NotSupportedException();

        public bool Remove(PSObject? item) => throw new NotSupportedException();

        public int IndexOf(PSObject? item) => throw new NotSupportedException();

        public bool Contains(PSObject? item) => throw new NotSupportedException();

        public void CopyTo(PSObject?[] array, int arrayIndex) => throw new NotSupportedException();

        public IEnumerator<PSObject?> GetEnumerator() => throw new NotSupportedException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
