using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Invoke-IpcRequest</c>: sends each input object as a request and returns its reply.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IpcRequest")]
[OutputType(typeof(object), typeof(IpcMessage))]
public sealed class InvokeIpcRequestCommand : SendCommand
{
    private readonly MessageBuffer _reply = new();
    private readonly MessageDecoder _decoder = new();

    /// <summary>The connection to send the request on, or the address of a server.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Channel { get; set; } = null!;

    /// <inheritdoc/>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public override object? InputObject { get; set; }

    /// <summary>Returns an IpcMessage, with the replier's process, user and descriptors, instead of the reply's body alone.</summary>
    [Parameter]
    public SwitchParameter Envelope { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        Lease = Require(() => Channel.Lease<IpcChannel>(IpcAccess.ReadWrite, WaitFrom(Timeout)));
        WriteOpened();
        Encoder = CreateEncoder(Format);
    }

    private protected override void Send(object? value) => Try(() =>
    {
        var options = new SendOptions { Format = Format, Handles = Descriptors() };
        var payload = Encoder!.Encode(value, StopToken);
        WriteEncoderWarnings();
        var size = payload.Length;
        Lease!.Object.Request(payload, _reply, options, WaitFrom(Timeout));
        WriteVerbose($"Sent a request of {size} bytes to '{Lease.Object.Address}' and received its reply.");
        var body = _decoder.Decode(_reply, IpcFormat.Auto, StopToken);
        var result = Envelope ? new IpcMessage(_reply, body, Lease.Object) : body;
        _reply.DropHandles();
        WriteObject(result);
    });
}
