using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>New-IpcMutex</c>: a lock that survives its holder's death.</summary>
[Cmdlet(VerbsCommon.New, "IpcMutex", SupportsShouldProcess = true)]
[OutputType(typeof(IpcMutex))]
public sealed class NewIpcMutexCommand : IpcCmdlet
{
    /// <summary>Its name.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Name { get; set; } = null!;

    /// <summary>Its holder may lock it again, and unlocks it as often.</summary>
    [Parameter]
    public SwitchParameter Recursive { get; set; }

    /// <summary>Permissions of its file: 600 (default). The folder lets in nobody but its user.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = IpcAddress.Parse(Name.StartsWith("mutex:", StringComparison.OrdinalIgnoreCase) ? Name : "mutex:" + Name);
        if (ShouldProcess(address.Text, "Create mutex")) WriteObject(IpcMutex.Create(address, Recursive, Mode));
    });
}
