using System.Globalization;
using System.Management.Automation;
using IpcPs.Inventory;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Get-IpcObject</c>: lists the objects of every mechanism, with owner, mode, size, depth, holders and age.</summary>
[Cmdlet(VerbsCommon.Get, "IpcObject")]
[OutputType(typeof(IpcObjectInfo))]
public sealed class GetIpcObjectCommand : InventoryCommand
{
    private readonly HashSet<int> _ids = [];

    /// <summary>Only objects that one of these processes holds.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("ProcessId")]
    public int[]? Id { get; set; }

    /// <summary>Only objects that one of these users owns, by name or number.</summary>
    [Parameter]
    public string[]? User { get; set; }

    /// <summary>Only objects that no living process holds, as far as that is proven.</summary>
    [Parameter]
    public SwitchParameter Stale { get; set; }

    /// <summary>Also objects without a name: anonymous pipes and memory, connections.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _ids.UnionWith(Id ?? []);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        var schemes = Kind ?? [];
        // A user who names a kind or a process wants its anonymous objects too.
        var all = All || Id is not null || schemes.Any(static k => k is IpcScheme.Pipe or IpcScheme.MemFd);
        var any = false;
        foreach (var info in Find(schemes, all).Where(IsWanted))
        {
            any = true;
            WriteObject(info);
        }
        if (!any && Name is { Length: > 0 } && !Name.Any(WildcardPattern.ContainsWildcardCharacters))
            throw new IpcException(IpcErrors.NotFound, $"There is no IPC object named '{string.Join("', '", Name)}'.", Name[0]);
    });

    private bool IsWanted(IpcObjectInfo info) =>
        (_ids.Count == 0 || info.Holders.Any(h => _ids.Contains(h.ProcessId)))
        && (User is null || User.Contains(info.Owner, StringComparer.Ordinal)
            || User.Contains(info.OwnerId?.ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal))
        && (!Stale || info.IsStale);
}
