using System.Management.Automation;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Close-IpcObject</c>: closes this session's end of an object. An object that has a name continues to exist.</summary>
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
                {
                    throw new IpcException(IpcErrors.InvalidOperation,
                        $"'{target.Address}' is an address, not an open object. A command that gets an address closes the object itself.",
                        target.Address.Text, "Close the object that New-Ipc… or Open-IpcObject returned. Remove-IpcObject deletes it.");
                }
                target.Object.Dispose();
            });
        }
    }
}
