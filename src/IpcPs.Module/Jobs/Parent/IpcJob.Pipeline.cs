using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Parent;

/// <content>What a job has to do with other jobs: those whose output it reads, and those that read its own.</content>
public sealed partial class IpcJob
{
    /// <summary>What carries the input: the name of a transport, Pipe by default. Null if nothing is piped to the job.</summary>
    public string? Via => Input?.Redirection.Transport;

    /// <summary>The jobs whose output is this one's input.</summary>
    public IReadOnlyList<IpcJob> Sources => Indexed.Of(_stages.Concat(_broadcastsRead.Select(static b => b.Source)));

    /// <summary>The jobs that read the output; empty if it comes to this session.</summary>
    public IReadOnlyList<IpcJob> Readers => _broadcast?.Readers ?? Indexed.Of<IpcJob>(_redirector?.Next is { } next ? [next] : []);

    /// <summary>Sends this job's output to another job. Output that was not received yet goes first.</summary>
    /// <param name="next">The job that reads it.</param>
    /// <param name="unnoticed">See <see cref="OutputRedirector.IsUnnoticed"/>.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/>: it already goes to another job.</exception>
    internal void SendOutputTo(IpcJob next, bool unnoticed)
    {
        if (_broadcast is not null)
        {
            _broadcast.AddReader(next);
            return;
        }
        OutputRedirector redirector;
        bool hasEnded;
        lock (_outputGuard)
        {
            if (_redirector is not null)
            {
                throw new IpcException(IpcErrors.InvalidOperation,
                    $"The output of job '{Name}' already goes to job '{_redirector.Next!.Name}'.", Name,
                    "To give it to several jobs, start it with -Broadcast.");
            }
            redirector = _redirector = new OutputRedirector(this, next, unnoticed);
            hasEnded = _outputState == OutputState.Ended;
            if (!hasEnded) _outputState = OutputState.Redirecting;
        }
        next.AddStage(this);
        // From now on it is found through the other one.
        if (Repository?.GetJob(InstanceId) is not null) Repository.Remove(this);
        if (hasEnded) redirector.OnChildEnded(opened: false);
        else if (redirector.HasNoReader) EndForLackOfReader();
        else redirector.WhenReady(() => _body.Redirect(redirector.Message));
    }

    /// <summary>The child has opened the next job's transport, and everything that it wrote before is here.</summary>
    internal void OnRedirected()
    {
        lock (_outputGuard)
        {
            if (_outputState != OutputState.Redirecting) return;
            _outputState = OutputState.Redirected;
        }
        _redirector!.OnChildOpened(_body.Proceed);
    }

    /// <summary>Reads a broadcast: in this job's process, or in this one if it has workers.</summary>
    internal void AddBroadcast(JobBroadcast broadcast, AttachMessage message)
    {
        _broadcastsRead = [.. _broadcastsRead, broadcast];
        _body.Attach(message);
    }

    /// <summary>A broadcast's next object reaches the job.</summary>
    internal void OnAttached(string broadcast) =>
        _broadcastsRead.FirstOrDefault(b => b.Output.Redirection.ConnectionString == broadcast)?.OnReaderAttached(this);

    /// <summary>The child could not open the next job's transport. Waits a while for the end of that job.</summary>
    /// <returns>Whether that job has ended: then nothing is wrong.</returns>
    internal bool HasNoReader() => _redirector is null || _redirector.WaitUntilReaderEnds(Grace);

    // Called only by the Start-IpcJob that creates this job.
    private void AddStage(IpcJob stage)
    {
        _stages = [.. _stages, stage];
        ChildJobs.Add(stage);
    }

    /// <summary>A job whose output was the input, and that has failed; null if no such job has failed.</summary>
    private IpcJob? FailedSource() => _stages.FirstOrDefault(static s => s.JobStateInfo.State == JobState.Failed)
        ?? _broadcastsRead.FirstOrDefault(static b => b.Source.Failure is not null)?.Source;

    /// <summary>"Job 'Job1' (process 4711)", or "Stage 1 of 2, job 'Job1' (4 workers),".</summary>
    private string Describe()
    {
        var last = this;
        while (last._redirector?.Next is { } next) last = next;
        var job = $"ob '{Name}' ({Location})";
        var total = last.Depth();
        return total == 1 ? "J" + job : $"Stage {Depth()} of {total}, j{job},";
    }

    private int Depth() => 1 + _stages.Select(static s => s.Depth()).DefaultIfEmpty(0).Max();
}
