using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Remove-IpcObject</c>: closes this session's end and deletes the object from the machine.</summary>
[Cmdlet(VerbsCommon.Remove, "IpcObject", SupportsShouldProcess = true)]
public sealed class RemoveIpcObjectCommand : IpcCmdlet
{
    /// <summary>The object or its address.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[] InputObject { get; set; } = null!;

    /// <summary>Reports no error if the object does not exist.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var target in InputObject)
        {
            Try(() =>
            {
                var address = target.Address;
                if (!ShouldProcess(address.Text, "Remove")) return;
                try
                {
                    IpcMechanisms.For(address.Scheme).Remove(address);
                }
                catch (IpcException e) when (Force && e.Id == IpcErrors.NotFound)
                {
                    WriteVerbose($"'{address}' does not exist.");
                }
                target.Object?.Dispose();
            });
        }
    }
}
