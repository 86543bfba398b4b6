using System.Management.Automation;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands;

/// <summary>The base of the commands that create an object with permissions and a name or a System V key.</summary>
public abstract class NewObjectCommand : IpcCmdlet
{
    /// <summary>Permissions of the object: 600 (default), '0660', 'u=rw,g=r'.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The error for a System V object that was given a name.</summary>
    private protected static IpcException HasKey(string what, string name) => IpcException.Argument(
        $"A System V {what} has a key and no name: instead of '{name}' give -Key 0x2a, -Key 42 or -Key /path#id, or none.", name);
}
