using System.Management.Automation;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Close-IpcObject</c>: closes this session's end of an object. The object itself stays where the mechanism keeps it.</summary>
[Cmdlet(VerbsCommon.Close, "IpcObject")]
public sealed class CloseIpcObjectCommand : IpcCmdlet
{
    /// <summary>The open object.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    public IpcTarget[] InputObject { get; set; } = null!;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var target in InputObject)
        {
            Try(() =>
            {
                if (target.Object is null)
                    throw new IpcException(IpcErrors.InvalidOperation, $"'{target.Address}' is an address, and nothing that this call could close: a command that is given an address closes what it opens itself.",
                        target.Address.Text, "Close the object that New-Ipc… or Open-IpcObject gave; take the object off the machine with Remove-IpcObject.");
                target.Object.Dispose();
            });
        }
    }
}
