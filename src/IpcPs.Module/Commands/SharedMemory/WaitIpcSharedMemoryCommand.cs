using System.Management.Automation;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Wait-IpcSharedMemory</c>: waits until a 32-bit number in shared memory changes.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IpcSharedMemory")]
[OutputType(typeof(int))]
public sealed class WaitIpcSharedMemoryCommand : SharedMemoryCommand
{
    /// <summary>Waits while the number has this value; by default the value that it has when the wait begins.</summary>
    [Parameter]
    public int? While { get; set; }

    /// <summary>How long to wait, in seconds or as a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var deadline = DeadlineFrom(Timeout);
        var memory = OpenMemory(IpcAccess.Read);
        var value = While ?? memory.Read<int>(Offset);
        WriteObject(memory.WaitForChange(Offset, value, new(deadline, StopToken))
            ?? throw IpcException.TimedOut(
                $"the number at offset {Offset} of '{memory.Address}' to change from {value}", memory.Address.Text, deadline));
    });
}
