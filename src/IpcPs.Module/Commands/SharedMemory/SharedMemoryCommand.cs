using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>What the commands that work on shared memory have in common: which, and where in it.</summary>
public abstract class SharedMemoryCommand : IpcCmdlet
{
    private IpcLease<SharedMemorySegment>? _lease;

    /// <summary>The shared memory, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Memory { get; set; } = null!;

    /// <summary>Bytes from its beginning.</summary>
    [Parameter]
    public long Offset { get; set; }

    /// <summary>Opens it for this call, where only its address was given; the call closes it.</summary>
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
