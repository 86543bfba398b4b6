using System.Buffers;
using System.Management.Automation;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary>The base of the commands that send objects on a channel.</summary>
public abstract class SendCommand : IpcCmdlet
{
    // A byte stream has no message boundaries that this could move.
    private const int MostGatheredForStream = 64 * 1024;

    private ArrayBufferWriter<byte>? _gathered;

    /// <summary>The message: any object, also $null.</summary>
    // Of type object: PowerShell runs a script block for a parameter of any other type, and passes its result.
    public abstract object? InputObject { get; set; }

    /// <summary>How the object becomes bytes.</summary>
    [Parameter]
    [ValidateSet("Object", "Text", "Json", "Bytes")]
    public IpcFormat Format { get; set; } = IpcFormat.Object;

    /// <summary>How long to wait for each message: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Unix sockets: open objects whose descriptors are sent with the message.</summary>
    [Parameter]
    public object[]? Handle { get; set; }

    /// <summary>Sends secrets, such as a PSCredential, although nothing encrypts them.</summary>
    [Parameter]
    public SwitchParameter AllowUnencryptedSecret { get; set; }

    private protected IpcLease<IpcChannel>? Lease { get; set; }

    private protected MessageEncoder? Encoder { get; set; }

    private protected IReadOnlyList<SafeHandle>? Descriptors() => Handle is null ? null : Array.ConvertAll(Handle, Descriptor);

    /// <inheritdoc/>
    /// <remarks>PowerShell passes the elements of a piped byte array one by one. With -Format Bytes they are one message again.</remarks>
    protected override void ProcessRecord()
    {
        if (Encoder!.Format != IpcFormat.Bytes || Unwrapped.Value(InputObject) is not byte one)
        {
            SendGathered();
            Send(InputObject);
            return;
        }
        _gathered ??= new ArrayBufferWriter<byte>();
        _gathered.Write([one]);
        if (_gathered.WrittenCount >= MostGatheredForStream && Lease!.Object is StreamChannel) SendGathered();
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => SendGathered();

    /// <summary>Sends one value as one message.</summary>
    private protected abstract void Send(object? value);

    private void SendGathered()
    {
        if (_gathered is not { WrittenCount: > 0 }) return;
        var bytes = _gathered.WrittenSpan.ToArray();
        _gathered.ResetWrittenCount();
        Send(bytes);
    }

    /// <summary>Tells the user of -Verbose what was opened.</summary>
    private protected void WriteOpened()
    {
        if (Lease is { IsOwned: true, Object: var channel } && IsVerbose)
            WriteVerbose($"Opened '{channel.Address}' ({channel.Kind}) for this call.");
    }

    private protected MessageEncoder CreateEncoder(IpcFormat format) =>
        new(format, allowSecrets: AllowUnencryptedSecret || JobChannels.IsJobChannel(Lease!.Object));

    private protected void WriteEncoderWarnings()
    {
        if (Encoder!.Warnings is not { Count: > 0 } warnings) return;
        foreach (var warning in warnings) WriteWarning(warning);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Lease?.Dispose();
        base.Dispose(disposing);
    }

    private static SafeHandle Descriptor(object value)
    {
        var inner = value is PSObject wrapped ? wrapped.BaseObject : value;
        return inner switch
        {
            SafeHandle handle => handle,
            FileStream stream => stream.SafeFileHandle,
            IpcObject { HandleToPass: { } handle } => handle,
            IpcObject other => throw new IpcException(
                IpcErrors.NotSupported, $"A {other.Kind} has no single descriptor that could be passed on.", other.Address.Text,
                "Pass one end of it, or its address as text."),
            _ => throw IpcException.Argument($"A {inner.GetType().Name} has no descriptor that could be passed on."),
        };
    }
}
