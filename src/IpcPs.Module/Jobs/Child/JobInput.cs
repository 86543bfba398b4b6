using System.Collections;
using System.Management.Automation;
using IpcPs.Module.Jobs.Collections;
using IpcPs.Module.Serialization;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The objects that a job's script gets.</summary>
internal interface IJobInput : IDisposable
{
    /// <summary>Waits for the next object.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="PipelineStoppedException">The script was stopped.</exception>
    bool TryReceive(out PSObject? value);

    /// <summary>All writers have ended.</summary>
    /// <param name="writers">Their number.</param>
    void End(int writers);
}

/// <summary>Receives a job's input: values from the parent, or the output of other jobs.</summary>
/// <param name="transport">The transport; null if the job has no input.</param>
/// <param name="onUnreadable">Reports a message that can't be read. Those after it are received all the same.</param>
/// <param name="stopping">Cancelled when the script is stopped.</param>
internal sealed class JobInput(JobTransportReader? transport, Action<IpcException> onUnreadable, CancellationToken stopping) : IJobInput
{
    private readonly MessageBuffer _message = new();
    private readonly MessageDecoder _decoder = new();

    public void End(int writers) => transport?.EndOfWriters(writers);

    public bool TryReceive(out PSObject? value)
    {
        value = null;
        while (transport is not null)
        {
            var isReceived = false;
            try
            {
                if (!transport.Receive(_message)) return false;
                isReceived = true;
                // Of jobs and parents it is an object. Other programs that write to a channel may send text or bytes.
                value = _decoder.Decode(_message, IpcFormat.Auto, stopping) is { } decoded ? PSObject.AsPSObject(decoded) : null;
                return true;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                throw new PipelineStoppedException();
            }
            catch (IpcException e) when (isReceived || e.IsOfOneMessage)
            {
                onUnreadable(e);
            }
        }
        return false;
    }

    /// <summary>Releases the transport. Its writers are notified.</summary>
    public void Dispose() => transport?.Dispose();
}

/// <summary>The child's <c>$input</c>. PowerShell enumerates this collection, and each object is received when PowerShell asks for it.
/// Nothing is collected: if the input of a pipeline comes from outside, even an end block gets the live enumerator.</summary>
/// <remarks>PowerShell asks for Count, then for the item at an index that grows by one: Count waits for the next message.</remarks>
internal sealed class LazyInput : ListCollection<PSObject?>
{
    private LazyInput(ReceivedList list) : base(list, enumeratorNeverBlocks: false) => list.OnEnd = Complete;

    /// <summary>The objects of an input.</summary>
    public LazyInput(IJobInput source) : this(new ReceivedList(source))
    {
    }

    private sealed class ReceivedList(IJobInput source) : IList<PSObject?>
    {
        private int _taken;
        private bool _waiting;
        private bool _ended;
        private PSObject? _current;

        /// <summary>Closes the collection. At the end of an open one an enumerator waits.</summary>
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

        // PowerShell clears the collection at the end.
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
