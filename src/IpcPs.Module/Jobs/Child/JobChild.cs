using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The other side of Start-IpcJob: what runs in the child.</summary>
public static class JobChild
{
    /// <summary>Runs the job that this process was started for, and ends the process. Only Start-IpcJob calls it, in a process that it started.</summary>
    public static void Run()
    {
        var control = InheritedObjects.OpenPipe(JobDescriptors.Control, -1);
        var records = InheritedObjects.OpenPipe(-1, JobDescriptors.Records);
        int exitCode;
        using (var session = new JobSession(control, records)) exitCode = session.Run();
        Environment.Exit(exitCode);
    }
}
