using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Invoke-IpcRequest</c>: sends each input object as a request and gives its reply.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IpcRequest")]
[OutputType(typeof(object), typeof(IpcMessage))]
public sealed class InvokeIpcRequestCommand : IpcCmdlet
{
    private readonly MessageBuffer _reply = new();
    private readonly MessageDecoder _decoder = new();
    private IpcLease<IpcChannel>? _lease;
    private MessageEncoder? _encoder;

    /// <summary>Whom to ask: a connection, or the address of a server.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Channel { get; set; } = null!;

    /// <summary>The request: any object. $null is one too.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>How the object becomes bytes.</summary>
    [Parameter]
    [ValidateSet("Object", "Text", "Json", "Bytes")]
    public IpcFormat Format { get; set; } = IpcFormat.Object;

    /// <summary>How long to wait for each reply, and before that for the connection: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Unix sockets: open objects whose descriptors go along with the request.</summary>
    [Parameter]
    public object[]? Handle { get; set; }

    /// <summary>Gives an IpcMessage, with the replier's process and user and what came along, instead of the reply's body alone.</summary>
    [Parameter]
    public SwitchParameter Envelope { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _lease = Require(() => Channel.Lease<IpcChannel>(IpcAccess.ReadWrite, WaitFrom(Timeout)));
        _encoder = new MessageEncoder(Format);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var options = new SendOptions { Format = Format, Handles = Handle is null ? null : Array.ConvertAll(Handle, DescriptorOf.Object) };
        var payload = _encoder!.Encode(InputObject);
        foreach (var warning in _encoder.Warnings) WriteWarning(warning);
        _lease!.Object.Request(payload, _reply, options, WaitFrom(Timeout));
        var body = _decoder.Decode(_reply, IpcFormat.Auto);
        var result = Envelope ? new IpcMessage(_reply, body, _lease.Object) : body;
        _reply.DropHandles();
        WriteObject(result);
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _lease?.Dispose();
        base.Dispose(disposing);
    }
}
