using System.Management.Automation;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Wait-IpcSharedMemory</c>: waits until a 32-bit cell has another value.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IpcSharedMemory")]
[OutputType(typeof(int))]
public sealed class WaitIpcSharedMemoryCommand : SharedMemoryCommand
{
    /// <summary>The value at which to wait; without it, the one that the cell has when the wait begins.</summary>
    [Parameter]
    public int? While { get; set; }

    /// <summary>How long, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var deadline = DeadlineFrom(Timeout);
        var memory = OpenMemory(IpcAccess.Read);
        var value = While ?? memory.Read<int>(Offset);
        WriteObject(memory.WaitForChange(Offset, value, new(deadline, StopToken))
            ?? throw IpcException.TimedOut($"the cell at offset {Offset} of '{memory.Address}' to change from {value}", memory.Address.Text, deadline));
    });
}
