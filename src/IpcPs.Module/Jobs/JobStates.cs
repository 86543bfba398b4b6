using System.Management.Automation;
using System.Runtime.CompilerServices;

namespace IpcPs.Module.Jobs;

/// <summary>Sets the state of a job.</summary>
internal static class JobStates
{
    /// <summary>Sets it, and raises the job's StateChanged.</summary>
    /// <remarks>Protected in PowerShell; missing from the reference assembly that the module is compiled against.</remarks>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetJobState")]
    public static extern void Set(Job job, JobState state, Exception? reason);
}
