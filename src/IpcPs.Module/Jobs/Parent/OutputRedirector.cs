using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Where a job's output goes when another job reads it: first what had come to this process already, then, from child to child, the rest.</summary>
internal sealed class OutputRedirector
{
    private readonly IpcJob _job;
    private readonly JobControl _control;
    private readonly JobInputLink _inlet;
    // Not in the job's own output: a Receive-Job that waits for the next job looks there too.
    private readonly List<PSObject> _held;
    private int _opened;
    private int _handedOver;

    /// <summary>Connects two jobs; nothing flows before <see cref="Begin"/>.</summary>
    public OutputRedirector(IpcJob job, IpcJob next, JobControl control, bool unnoticed)
    {
        _job = job;
        _control = control;
        _inlet = next.Inlet!;
        Next = next;
        GoesUnnoticed = unnoticed;
        _held = [.. job.Output.ReadAll()];
        // The child, and this process with what had come before.
        _inlet.AddSource();
        _inlet.AddSource();
    }

    /// <summary>The job that reads.</summary>
    public IpcJob Next { get; }

    /// <summary>Whether the next job was in a pipeline already before this one joined it, so that a Receive-Job which waits for that one doesn't know of
    /// this one: its errors go to the next job's streams then.</summary>
    public bool GoesUnnoticed { get; }

    /// <summary>Takes an object that the child sent here before it had opened the link. On the thread that calls <see cref="Redirected"/>.</summary>
    public void Hold(PSObject value) => _held.Add(value);

    /// <summary>Asks the child to write to the link.</summary>
    public void Begin()
    {
        if (_inlet.IsClosed) _job.EndForLackOfReader();
        else _control.Send(JobStreamId.Redirect, _inlet.Redirection.ToBag());
    }

    /// <summary>The child has opened the link, and all that it wrote before is here.</summary>
    public void Redirected()
    {
        Opened(asWriter: true);
        HandOver(() => _control.Send(JobStreamId.Proceed));
    }

    /// <summary>The child could not open the link. It will end; and where that is because the next job has ended, nothing is wrong.</summary>
    /// <returns>Whether it is.</returns>
    public bool HasNoReader(TimeSpan patience) => _inlet.WaitUntilClosed(patience);

    /// <summary>The job has ended.</summary>
    public void Ended()
    {
        Opened(asWriter: false);
        HandOver(null);
        _inlet.Ended();
    }

    private void Opened(bool asWriter)
    {
        if (Interlocked.Exchange(ref _opened, 1) == 0) _inlet.Opened(asWriter);
    }

    private void HandOver(Action? then)
    {
        if (Interlocked.Exchange(ref _handedOver, 1) != 0) return;
        if (_held.Count == 0)
        {
            Finish();
            return;
        }
        // The next job may be slow to take it, and the caller has a child to listen to.
        new Thread(() =>
        {
            Pass(_held);
            Finish();
        })
        { IsBackground = true, Name = $"IpcPs hands over the output of {_job.Name}" }.Start();

        void Finish()
        {
            _inlet.Opened(asWriter: false);
            _inlet.Ended();
            then?.Invoke();
        }
    }

    private void Pass(IEnumerable<PSObject> waiting)
    {
        try
        {
            using var writer = _inlet.OpenWriter(CancellationToken.None);
            if (writer is null) return;
            foreach (var item in waiting)
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
