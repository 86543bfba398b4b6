using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary><c>Get-IpcLimit</c>: the kernel's limits on IPC, how much of each is used, and what raises it.</summary>
[Cmdlet(VerbsCommon.Get, "IpcLimit")]
[OutputType(typeof(IpcLimit))]
public sealed class GetIpcLimitCommand : IpcCmdlet
{
    /// <summary>Names; wildcards allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(LimitCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var names = Name.Select(static n => WildcardPattern.Get(n, WildcardOptions.IgnoreCase)).ToList();
        var limits = IpcLimits.List();
        WriteObject(limits.Where(l => names.Exists(n => n.IsMatch(l.Name))), enumerateCollection: true);
        foreach (var missing in Name.Where(n => !WildcardPattern.ContainsWildcardCharacters(n)
            && !limits.Any(l => string.Equals(l.Name, n, StringComparison.OrdinalIgnoreCase))))
        {
            var error = new IpcException(IpcErrors.NotFound, $"This machine has no limit named '{missing}'.", missing);
            WriteError(ErrorRecords.ToRecord(error));
        }
    });
}
