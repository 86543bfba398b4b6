using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The entry point of a job's child process.</summary>
public static class JobChild
{
    /// <summary>Runs the job, and ends the process. Only for processes that <c>Start-IpcJob</c> starts. IpcPs.Loader's startup hook calls
    /// it; if that could not, pwsh does.</summary>
    public static void Run()
    {
        var control = InheritedObjects.OpenPipe(JobDescriptors.Control, -1);
        var records = InheritedObjects.OpenPipe(-1, JobDescriptors.Records);
        var passed = InheritedObjects.OpenSocket(JobDescriptors.Passed);
        var parent = InheritedObjects.OpenPipe(JobDescriptors.ParentReader, JobDescriptors.ParentWriter);
        int exitCode;
        using (var session = new JobSession(control, records, passed, parent, CancellationToken.None)) exitCode = session.Run();
        Environment.Exit(exitCode);
    }
}
