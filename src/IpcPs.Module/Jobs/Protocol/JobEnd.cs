using System.Management.Automation;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>How a child's work ended.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The child's exit code.</param>
/// <param name="Error">The error that ended the script, where one did.</param>
/// <param name="IsReported">Whether the child said so itself; otherwise its process just ended.</param>
/// <param name="What">Else, what happened to the process: "was killed by signal KILL before its script ended."</param>
internal sealed record JobEnd(JobState State, int ExitCode, ErrorRecord? Error, bool IsReported, string What);
