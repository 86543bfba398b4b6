using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>What a child says of the end of its script.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The exit code that its process will have.</param>
internal sealed record FinishedMessage(JobState State, int ExitCode)
{
    /// <summary>Reads a report.</summary>
    public static FinishedMessage From(object? content)
    {
        if ((content is PSObject wrapped ? wrapped.BaseObject : content) is not IDictionary bag || !Enum.TryParse<JobState>(bag[nameof(State)]?.ToString(), out var state))
            throw new IpcException(IpcErrors.InvalidData, "A job's report cannot be read.");
        return new FinishedMessage(state, Convert.ToInt32(bag[nameof(ExitCode)], CultureInfo.InvariantCulture));
    }

    /// <summary>The report as it is sent.</summary>
    public Hashtable ToBag() => new() { [nameof(State)] = State.ToString(), [nameof(ExitCode)] = ExitCode };
}
