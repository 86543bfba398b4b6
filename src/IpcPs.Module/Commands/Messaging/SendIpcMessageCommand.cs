using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Send-IpcMessage</c>: sends each input object as one message.</summary>
[Cmdlet(VerbsCommunications.Send, "IpcMessage", DefaultParameterSetName = ChannelSet)]
public sealed class SendIpcMessageCommand : IpcCmdlet
{
    private const string ChannelSet = "Channel";
    private const string ReplySet = "Reply";

    private IpcLease<IpcChannel>? _lease;
    private MessageEncoder? _encoder;
    private BufferedSender? _sender;
    private SendOptions _options;

    /// <summary>Where to send: a channel, its address, or an IpcJob.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ChannelSet)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Channel { get; set; } = null!;

    /// <summary>The message: any object. $null is a message too. (Of type object: a script block for a parameter of any other type would be run for its value.)</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>How the object becomes bytes. With -ReplyTo it is the format of the message that is answered: what its envelope says, or else what it was received as; Text where that was Auto.</summary>
    [Parameter]
    [ValidateSet("Object", "Text", "Json", "Bytes")]
    public IpcFormat Format { get; set; } = IpcFormat.Object;

    /// <summary>System V queues: the message type, 1 or more.</summary>
    [Parameter]
    public long Type { get; set; }

    /// <summary>POSIX queues: the priority, 0 to 32767.</summary>
    [Parameter]
    public int Priority { get; set; }

    /// <summary>How long each message may wait for room: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Does not wait for room.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Closes the sending side after the last message, so that the receiver sees the end.</summary>
    [Parameter]
    public SwitchParameter Close { get; set; }

    /// <summary>Answers a message that was received with -Envelope, where it came from.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ReplySet)]
    public IpcMessage ReplyTo { get; set; } = null!;

    /// <summary>Unix sockets: open objects whose descriptors go along with the message.</summary>
    [Parameter]
    public object[]? Handle { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _lease = Require(() =>
        {
            var deadline = DeadlineFrom(Timeout, NoWait);
            _options = Options();
            return ParameterSetName == ReplySet
                ? new IpcLease<IpcChannel>(ReplyTo.Channel, owned: false)
                : Channel.Lease<IpcChannel>(IpcAccess.Write, new(deadline, StopToken));
        });
        _encoder = new MessageEncoder(_options.Format);
        _sender = new BufferedSender(_lease.Object, StopToken);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            var payload = _encoder!.Encode(InputObject);
            // Who asks for a deadline wants to know of each message what became of it; who doesn't gets bursts in few calls.
            if (Timeout is null && !NoWait) _sender!.Send(payload, _options);
            else _lease!.Object.Send(payload, _options, WaitFrom(Timeout, NoWait));
        }
        catch (IpcException e)
        {
            Report(e);
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        foreach (var warning in _encoder!.Warnings) WriteWarning(warning);
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Require(() =>
    {
        _sender!.Flush();
        if (Close)
        {
            // Of an object that the call opened itself, the end of the call is the close.
            if (!_lease!.IsOwned) _lease.Object.CompleteSending();
        }
        return true;
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _sender?.Dispose();
            _lease?.Dispose();
        }
        base.Dispose(disposing);
    }

    // Who asked in a format of its own is answered in one that it reads: a program that sent a plain line gets one.
    private static IpcFormat ReplyFormat(IpcMessage asked) => asked.Format switch
    {
        IpcFormat.Auto or IpcFormat.Text => IpcFormat.Text,
        IpcFormat.Json => IpcFormat.Json,
        IpcFormat.Bytes when asked.CorrelationId == 0 => IpcFormat.Bytes,
        _ => IpcFormat.Object,
    };

    private SendOptions Options()
    {
        var typed = MyInvocation.BoundParameters.ContainsKey(nameof(Type));
        if (typed && Type <= 0) throw IpcException.Argument($"A message type is 1 or more, and this one is {Type}.");
        var prioritized = MyInvocation.BoundParameters.ContainsKey(nameof(Priority));
        if (prioritized && Priority is < 0 or > 32767) throw IpcException.Argument($"A priority is 0 to 32767, and this one is {Priority}.");
        return new SendOptions
        {
            Format = MyInvocation.BoundParameters.ContainsKey(nameof(Format)) || ParameterSetName != ReplySet ? Format : ReplyFormat(ReplyTo),
            Type = typed ? Type : 0,
            Priority = prioritized ? Priority : null,
            CorrelationId = ParameterSetName == ReplySet ? ReplyTo.CorrelationId : 0,
            IsReply = ParameterSetName == ReplySet && ReplyTo.CorrelationId != 0,
            Handles = Handle is null ? null : Array.ConvertAll(Handle, DescriptorOf.Object),
        };
    }

    // What is wrong with one message is that message's error; what is wrong with the channel ends the command, not once per message.
    private void Report(IpcException e)
    {
        var record = ErrorRecords.ToRecord(e, e.Id == IpcErrors.Timeout || e.Id == IpcErrors.Full ? InputObject : null);
        if (e.Id == IpcErrors.PeerClosed || e.Id == IpcErrors.Closed || e.Id == IpcErrors.Removed || e.Id == IpcErrors.NotSupported) ThrowTerminatingError(record);
        WriteError(record);
    }
}
