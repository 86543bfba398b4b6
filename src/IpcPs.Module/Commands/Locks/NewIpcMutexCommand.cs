using System.Management.Automation;
using IpcPs.Locks;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>New-IpcMutex</c>: creates a lock that the next process acquires if its holder dies.</summary>
[Cmdlet(VerbsCommon.New, "IpcMutex", SupportsShouldProcess = true)]
[OutputType(typeof(IpcMutex))]
public sealed class NewIpcMutexCommand : NewObjectCommand
{
    /// <summary>The mutex's name, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Name { get; set; } = null!;

    /// <summary>Its holder may lock it again, and then unlocks it as many times.</summary>
    [Parameter]
    public SwitchParameter Recursive { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = IpcAddress.Parse(Name.StartsWith("mutex:", StringComparison.OrdinalIgnoreCase) ? Name : "mutex:" + Name);
        if (!ShouldProcess(address.Text, "Create mutex")) return;
        WriteObject(CreateOrOpen(address, () => IpcMutex.Create(address, Recursive, Mode.Value),
            mutex => [ExistingObject.Difference("IsRecursive", mutex.IsRecursive, Recursive.IsPresent)]));
    });
}
