using System.Collections.Concurrent;
using System.Management.Automation;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>Gives PowerShell's job commands the IpcJobs of a session. PowerShell creates one when it imports the module.</summary>
public sealed class IpcJobSourceAdapter : JobSourceAdapter
{
    private readonly ConcurrentDictionary<Guid, IpcJob> _jobs = [];

    /// <summary>Creates the session's adapter.</summary>
    public IpcJobSourceAdapter() => Name = nameof(IpcJobSourceAdapter);

    /// <inheritdoc/>
    public override Job2? NewJob(JobInvocationInfo specification)
    {
        ArgumentNullException.ThrowIfNull(specification);
        if (specification.Parameters[0][0].Value is not IpcJob job) return null;
        job.Adapter = this;
        _jobs.TryAdd(job.InstanceId, job);
        return job;
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobs() => [.. _jobs.Values.OrderBy(static j => j.Id)];

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByName(string name, bool recurse)
    {
        var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
        return Find(j => pattern.IsMatch(j.Name), recurse);
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByCommand(string command, bool recurse)
    {
        var pattern = new WildcardPattern(command, WildcardOptions.IgnoreCase);
        return Find(j => pattern.IsMatch(j.Command), recurse);
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByState(JobState state, bool recurse) => Find(j => j.JobStateInfo.State == state, recurse);

    /// <inheritdoc/>
    public override Job2? GetJobByInstanceId(Guid instanceId, bool recurse) =>
        Find(j => j.InstanceId == instanceId, recurse).FirstOrDefault();

    /// <inheritdoc/>
    public override Job2? GetJobBySessionId(int id, bool recurse) => Find(j => j.Id == id, recurse).FirstOrDefault();

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByFilter(Dictionary<string, object> filter, bool recurse) => [];

    /// <inheritdoc/>
    public override void RemoveJob(Job2 job)
    {
        ArgumentNullException.ThrowIfNull(job);
        job.StopJob();
        _jobs.TryRemove(job.InstanceId, out _);
    }

    /// <summary>Removes a job that has become a stage of another one's pipeline: it is found through that one.</summary>
    internal void Forget(IpcJob job) => _jobs.TryRemove(job.InstanceId, out _);

    private List<Job2> Find(Predicate<IpcJob> wanted, bool recurse)
    {
        var found = new List<Job2>();
        foreach (var job in _jobs.Values.OrderBy(static j => j.Id)) Add(job);
        return found;

        void Add(IpcJob job)
        {
            if (wanted(job)) found.Add(job);
            if (!recurse) return;
            foreach (var stage in job.Stages) Add(stage);
        }
    }
}
