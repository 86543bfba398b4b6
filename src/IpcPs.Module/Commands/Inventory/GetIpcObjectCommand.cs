using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Get-IpcObject</c>: every live object of every mechanism, with owner, mode, size, depth, holders and age.</summary>
[Cmdlet(VerbsCommon.Get, "IpcObject")]
[OutputType(typeof(IpcObjectInfo))]
public sealed class GetIpcObjectCommand : IpcCmdlet
{
    private readonly List<WildcardPattern> _names = [];
    private readonly HashSet<int> _ids = [];

    /// <summary>Names or addresses; wildcards allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Which mechanisms.</summary>
    [Parameter]
    public IpcScheme[]? Kind { get; set; }

    /// <summary>Only what these processes hold.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("ProcessId")]
    public int[]? Id { get; set; }

    /// <summary>Only what these users own.</summary>
    [Parameter]
    public string[]? User { get; set; }

    /// <summary>Only what is proven to be held by no living process.</summary>
    [Parameter]
    public SwitchParameter Stale { get; set; }

    /// <summary>Also what has no name: anonymous pipes and memory, connections.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => _names.AddRange(ObjectNames.Patterns(Name ?? []));

    /// <inheritdoc/>
    protected override void ProcessRecord() => _ids.UnionWith(Id ?? []);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        var schemes = Kind ?? [];
        // Who names a kind or a process wants its anonymous objects too.
        var all = All || Id is not null || schemes.Any(static k => k is IpcScheme.Pipe or IpcScheme.MemFd);
        var found = IpcInventory.List(schemes, all, out var problems);
        SessionWarnings.Say(this, problems);
        var exact = _names.Count > 0 && Name!.All(static n => !WildcardPattern.ContainsWildcardCharacters(n));
        var any = false;
        foreach (var info in found.Where(Wanted))
        {
            any = true;
            WriteObject(info);
        }
        if (exact && !any) throw new IpcException(IpcErrors.NotFound, $"There is no IPC object named '{string.Join("', '", Name!)}'.", Name![0]);
    });

    private bool Wanted(IpcObjectInfo info) =>
        (_names.Count == 0 || info.IsNamed(text => _names.Exists(n => n.IsMatch(text))))
        && (_ids.Count == 0 || info.Holders.Any(h => _ids.Contains(h.ProcessId)))
        && (User is null || User.Contains(info.Owner, StringComparer.Ordinal) || (info.OwnerId is { } id && User.Contains(id.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal)))
        && (!Stale || info.IsStale);
}
