using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands;

/// <summary>The base of the commands that create an object with permissions and a name or a System V key.</summary>
public abstract class NewObjectCommand : IpcCmdlet
{
    /// <summary>Permissions of the object: 600 (default), '0660', 'u=rw,g=r'.</summary>
    [Parameter]
    [ModeTransformation]
    [ArgumentCompleter(typeof(ModeCompleter))]
    public IpcMode Mode { get; set; } = IpcMode.Private;

    /// <summary>Uses an object that exists already, if it is the current user's and what would have been created. If it differs, that is an
    /// error.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc cref="ExistingObject.CreateOrOpen"/>
    private protected T CreateOrOpen<T>(IpcAddress? address, Func<T> create, Func<T, IEnumerable<string?>> differences)
        where T : IpcObject, IIpcPermissions =>
        ExistingObject.CreateOrOpen(address, Force, IsGiven(nameof(Mode)) ? Mode : null, create, differences, StopToken);

    /// <summary>Whether the user named the parameter.</summary>
    private protected bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);

    /// <summary>The error for a System V object that was given a name.</summary>
    private protected static IpcException HasKey(string what, string name) => IpcException.Argument(
        $"A System V {what} has a key and no name: instead of '{name}' give -Key 0x2a, -Key 42 or -Key /path#id, or none.", name);
}
