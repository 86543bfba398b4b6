using System.Management.Automation;
using System.Management.Automation.Host;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Clear-IpcObject</c>: removes what no living process holds.</summary>
[Cmdlet(VerbsCommon.Clear, "IpcObject", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(IpcObjectInfo))]
public sealed class ClearIpcObjectCommand : IpcCmdlet
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private bool _yesToAll;
    private bool _noToAll;

    /// <summary>Says so: only what is stale is ever removed.</summary>
    [Parameter]
    public SwitchParameter Stale { get; set; } = true;

    /// <summary>Names or addresses; wildcards allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Which mechanisms.</summary>
    [Parameter]
    public IpcScheme[]? Kind { get; set; }

    /// <summary>Does not ask about what other users own.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Gives what was removed.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        if (!Stale) throw IpcException.Argument("Clear-IpcObject removes only what is stale; remove others by name with Remove-IpcObject.");
        // A queue that goes leaves the messages behind that waited in shared memory: they go then.
        for (var isFirst = true; Pass(isFirst); isFirst = false)
        {
        }
    });

    // Whether another pass can find more.
    private bool Pass(bool isFirst)
    {
        var found = IpcInventory.List(isFirst ? Kind ?? [] : [IpcScheme.Shm], all: false, out var problems);
        SessionWarnings.Say(this, problems);
        var names = ObjectNames.Patterns(Name ?? ["*"]).ToList();
        var wanted = found.Where(info => info.IsStale && info.IsNamed(text => names.Exists(n => n.IsMatch(text))) && _asked.Add(info.Address.Text) && IsAllowed(info)).ToList();
        var queuesGone = false;
        foreach (var removal in IpcInventory.RemoveStale(wanted))
        {
            queuesGone |= removal.IsRemoved && removal.Object.Address.Scheme is IpcScheme.Mq or IpcScheme.SysVMq;
            if (removal.Error is { } error) WriteError(ErrorRecords.ToRecord(error, removal.Object));
            else if (!removal.IsRemoved) WriteVerbose($"'{removal.Object.Address}' stays: {removal.Reason}.");
            else if (PassThru) WriteObject(removal.Object);
        }
        return queuesGone && (Kind is null || Kind.Contains(IpcScheme.Shm));
    }

    private bool IsAllowed(IpcObjectInfo info)
    {
        if (!ShouldProcess($"{info.Kind} {info.Address} ({info.Reason})", "Remove")) return false;
        if (Force || info.OwnerId == IpcInventory.CurrentUserId) return true;
        try
        {
            return ShouldContinue($"{info.Address} belongs to {info.Owner}. Remove it?", "Not yours", ref _yesToAll, ref _noToAll);
        }
        catch (Exception e) when (e is HostException or PSInvalidOperationException or PSNotImplementedException)
        {
            var refused = new IpcException(IpcErrors.AccessDenied, $"'{info.Address}' belongs to {info.Owner}, and nobody is here to be asked whether it may go.", info.Address.Text, "Give -Force to remove what other users own.");
            WriteError(ErrorRecords.ToRecord(refused, info));
            return false;
        }
    }
}
