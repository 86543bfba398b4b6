using System.Management.Automation;
using IpcPs.Inventory;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Clear-IpcObject</c>: removes stale objects, which no living process holds.</summary>
[Cmdlet(VerbsCommon.Clear, "IpcObject", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(IpcObjectInfo))]
public sealed class ClearIpcObjectCommand : InventoryCommand
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>States explicitly that only stale objects are removed, which is always so.</summary>
    [Parameter]
    public SwitchParameter Stale { get; set; } = true;

    /// <summary>Removes other users' objects without a question.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Returns the removed objects.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        if (!Stale) throw IpcException.Argument("Clear-IpcObject removes stale objects only. Use Remove-IpcObject for others.");
        // The large messages of a removed queue were in shared memory, which is stale now.
        if (RemoveStale(Kind ?? []) && (Kind is null || Kind.Contains(IpcScheme.Shm))) RemoveStale([IpcScheme.Shm]);
    });

    /// <returns>Whether a queue was removed.</returns>
    private bool RemoveStale(IReadOnlyList<IpcScheme> schemes)
    {
        var wanted = Find(schemes, all: false).Where(info => info.IsStale && _asked.Add(info.Address.Text) && IsAllowed(info)).ToList();
        var hasRemovedQueue = false;
        foreach (var removal in IpcInventory.RemoveStale(wanted))
        {
            hasRemovedQueue |= removal.IsRemoved && removal.Object.Address.Scheme is IpcScheme.Mq or IpcScheme.SysVMq;
            if (removal.Error is { } error) WriteError(ErrorRecords.ToRecord(error, removal.Object));
            else if (!removal.IsRemoved) WriteVerbose($"'{removal.Object.Address}' is not removed: {removal.Reason}.");
            else if (PassThru) WriteObject(removal.Object);
        }
        return hasRemovedQueue;
    }

    private bool IsAllowed(IpcObjectInfo info) =>
        ShouldProcess($"{info.Kind} {info.Address} ({info.Reason})", "Remove") && MayRemove(info, Force);
}
