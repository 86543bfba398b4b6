using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Workers;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The processes behind a job. They report to the job: what its streams get, and <see cref="IpcJob.Finish"/>.</summary>
internal interface IJobBody : IDisposable
{
    /// <summary>What is piped to the job; null if nothing is.</summary>
    JobInputTransport? Input { get; }

    /// <summary>See <see cref="IpcJob.Channel"/>.</summary>
    IpcChannel? Channel { get; }

    /// <summary>See <see cref="IpcJob.ProcessId"/>.</summary>
    int? ProcessId { get; }

    /// <summary>See <see cref="IpcJob.HostName"/>.</summary>
    string? HostName { get; }

    /// <summary>Where the script runs: "process 4711".</summary>
    string Location { get; }

    /// <summary>The workers; null if there is one process only.</summary>
    WorkerGroup? Workers { get; }

    /// <summary>See <see cref="IpcJob.Signal"/>.</summary>
    string? Signal { get; }

    /// <summary>Begins to receive. The job is known and running.</summary>
    void Start();

    /// <summary>Sends the output to another job from now on. When all earlier output has been added to the job, calls
    /// <see cref="IpcJob.OnRedirected"/>, and waits for <see cref="Proceed"/> before it sends more.</summary>
    void Redirect(RedirectMessage message);

    /// <summary>The other job has the earlier output.</summary>
    void Proceed();

    /// <summary>Reads a broadcast too, whose objects go into <see cref="Input"/>. When it has begun to, calls
    /// <see cref="IpcJob.OnAttached"/>.</summary>
    void Attach(AttachMessage message);

    /// <summary>The job that reads the output has ended: stop.</summary>
    void EndForLackOfReader();

    /// <summary>Asks the processes to end: TERM.</summary>
    void RequestStop();

    /// <summary>Kills the processes, with all programs that they started.</summary>
    void Kill();

    /// <summary>All processes have ended. Closes all that leads to them, except what <see cref="IDisposable.Dispose"/> closes.</summary>
    void Disconnect();

    /// <summary>Releases the processes themselves, after <see cref="Disconnect"/>.</summary>
    void Release();
}
