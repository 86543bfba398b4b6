using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>The base of the commands that read and write shared memory.</summary>
public abstract class SharedMemoryCommand : IpcCmdlet
{
    private IpcLease<SharedMemorySegment>? _lease;

    /// <summary>The shared memory, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Memory { get; set; } = null!;

    /// <summary>The offset in bytes, from the beginning of the memory.</summary>
    [Parameter]
    public long Offset { get; set; }

    /// <summary>Opens the memory if only its address was given; the command closes it then.</summary>
    private protected SharedMemorySegment OpenMemory(IpcAccess access)
    {
        _lease = Memory.Lease<SharedMemorySegment>(access, StopToken);
        return _lease.Object;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _lease?.Dispose();
        _lease = null;
    }
}
