using IpcPs.Readiness;

namespace IpcPs.Module.Commands.Readiness;

/// <summary>An object that Wait-IpcObject found ready.</summary>
/// <param name="State">Why it is ready.</param>
/// <param name="Kind">What it is: "POSIX message queue", "process", "job", "signal".</param>
/// <param name="Name">Its address; of a job its name, of a process its name and id.</param>
/// <param name="Index">Its position among the objects that were waited for, from 0.</param>
/// <param name="Object">What was passed to Wait-IpcObject: an object, an address, a job, a process, a signal.</param>
public sealed record IpcReadyObject(ReadyState State, string Kind, string Name, int Index, object Object)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}
