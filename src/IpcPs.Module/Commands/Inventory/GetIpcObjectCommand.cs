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
    [ValidateNotNullOrEmpty]
    public int[]? Id { get; set; }

    /// <summary>Only objects that one of these users owns, by name or number.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? User { get; set; }

    /// <summary>Only objects that no living process holds, as far as that is proven.</summary>
    [Parameter]
    public SwitchParameter Stale { get; set; }

    /// <summary>Also objects without a name (anonymous pipes and memory, connections), and the pipes and sockets of .NET's
    /// diagnostics.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _ids.UnionWith(Id ?? []);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
    {
        // No process was piped: that is not every process.
        if (MyInvocation.ExpectingInput && _ids.Count == 0) return;
        var schemes = Kinds();
        // A user who names a kind or a process wants what is usually left out, too.
        var all = All || Id is not null || schemes.Any(static k => k is IpcScheme.Pipe or IpcScheme.MemFd);
        var found = Find(schemes, all, _ids).Where(IsWanted).ToList();
        // Or who names an object. But a connection has the name of its listener, and is not that object.
        if (IsLiteral && !all && found.Count < Name!.Length) found = [.. Find(schemes, all: true, _ids).Where(IsWanted)];
        WriteObject(found, enumerateCollection: true);
        if (found.Count > 0) return;
        if (IsLiteral)
            throw new IpcException(IpcErrors.NotFound, $"There is no IPC object named '{string.Join("', '", Name!)}'.", Name![0]);
        WriteVerbose("No object was found.");
    });

    private bool IsWanted(IpcObjectInfo info) =>
        (User is null || User.Contains(info.Owner, StringComparer.Ordinal)
            || User.Contains(info.OwnerId?.ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal))
        && (!Stale || info.IsStale);
}
