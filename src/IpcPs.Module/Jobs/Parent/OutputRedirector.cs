using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Sends a job's output to the job that reads it, or to a broadcast. The parent hands over the output that it has already; then
/// the child writes directly to the next job's child.</summary>
internal sealed class OutputRedirector
{
    private readonly IpcJob _job;
    private readonly JobInputTransport _input;
    private readonly JobBroadcast? _broadcast;
    // Not in the job's Output, where a Receive-Job that waits for the next job would find it.
    private readonly List<PSObject> _held;

    /// <summary>Takes the job's output. Nothing flows before the child has opened the transport, or has ended.</summary>
    public OutputRedirector(IpcJob job, IpcJob next, bool unnoticed) : this(job, next.Input!)
    {
        Next = next;
        IsUnnoticed = unnoticed;
    }

    /// <summary>Takes the job's output. Nothing flows before the child has opened the transport, or has ended, and all readers are
    /// there.</summary>
    public OutputRedirector(IpcJob job, JobBroadcast broadcast) : this(job, broadcast.Output) => _broadcast = broadcast;

    private OutputRedirector(IpcJob job, JobInputTransport input)
    {
        _job = job;
        _input = input;
        _held = [.. job.Streams.TakeOutput()];
        // The child, and this process with the held output.
        _input.AddSource();
        _input.AddSource();
    }

    /// <summary>The job that reads; null for a broadcast.</summary>
    public IpcJob? Next { get; }

    /// <summary>Whether the next job was written to the pipeline before this one became its stage. A Receive-Job that waits for the next
    /// job then does not know of this one, so this one's errors go to the next job's streams.</summary>
    public bool IsUnnoticed { get; }

    /// <summary>Whether the next job has ended.</summary>
    public bool HasNoReader => _input.IsClosed;

    /// <summary>What the child gets.</summary>
    public RedirectMessage Message => _input.Redirection;

    /// <summary>Calls an action when the child can open the transport.</summary>
    public void WhenReady(Action then) => _input.WhenReady(then);

    /// <summary>Keeps an object that came from the child before it had opened the transport.</summary>
    public void Hold(PSObject value) => _held.Add(value);

    /// <summary>Waits for the end of the next job.</summary>
    /// <returns>False if the time passes first.</returns>
    public bool WaitUntilReaderEnds(TimeSpan timeout) => _input.WaitUntilClosed(timeout);

    /// <summary>The child has opened the transport and waits; all of its earlier output is here. Hands that over.</summary>
    /// <param name="proceed">Called, on any thread, when the child may write.</param>
    public void OnChildOpened(Action proceed)
    {
        _input.OnSourceOpened(asWriter: true);
        HandOver(proceed);
    }

    /// <summary>The child has ended.</summary>
    /// <param name="opened">Whether it had opened the transport. Otherwise hands over its output.</param>
    public void OnChildEnded(bool opened)
    {
        if (!opened)
        {
            _input.OnSourceOpened(asWriter: false);
            HandOver(null);
        }
        _input.OnSourceEnded();
    }

    private void HandOver(Action? then)
    {
        if (_broadcast is null) HandOverNow(then);
        else _broadcast.WhenConnected(() => HandOverNow(then));
    }

    private void HandOverNow(Action? then)
    {
        if (_held.Count == 0)
        {
            Finish();
            return;
        }
        // On a thread of its own: the next job may be slow, and the caller receives from this job's child.
        new Thread(() =>
        {
            WriteHeld();
            Finish();
        })
        { IsBackground = true, Name = $"IpcPs hands over the output of {_job.Name}" }.Start();

        void Finish()
        {
            _input.OnSourceOpened(asWriter: false);
            _input.OnSourceEnded();
            then?.Invoke();
        }
    }

    private void WriteHeld()
    {
        try
        {
            using var writer = _input.OpenWriter(CancellationToken.None);
            if (writer is null) return;
            foreach (var item in _held)
            {
                if (!writer.Write(item)) return;
            }
            writer.Complete();
        }
        catch (IpcException e)
        {
            _job.AddError(ErrorRecords.ToRecord(e, _job));
        }
    }
}
