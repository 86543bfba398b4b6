using System.Collections.Concurrent;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Send-IpcMessage</c>: sends each input object as one message, or the bytes of files.</summary>
/// <remarks>A reply has by default the format of the message that it answers: what its envelope says, or the format that it was received
/// with; Text if that was Auto.</remarks>
[Cmdlet(VerbsCommunications.Send, "IpcMessage", DefaultParameterSetName = ChannelSet)]
public sealed partial class SendIpcMessageCommand : SendCommand
{
    private const string ChannelSet = "Channel";
    private const string ReplySet = "Reply";
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    private readonly ConcurrentQueue<(IpcException Error, object? Value)> _failures = new();
    private BufferedSender? _sender;
    private SendOptions _options;
    private long _sent;
    private long _sentBytes;

    /// <summary>The channel to send to, its address, or an IpcJob.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ChannelSet)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = LiteralPathSet)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Channel { get; set; } = null!;

    /// <inheritdoc/>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ParameterSetName = ChannelSet)]
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ParameterSetName = ReplySet)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public override object? InputObject { get; set; }

    /// <summary>Pipes and stream sockets: what ends a text that is sent in format Text or Json.</summary>
    [Parameter]
    public IpcDelimiter Delimiter { get; set; }

    /// <summary>System V queues: the message type, 1 or more.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>POSIX queues: the priority, 0 to 32767.</summary>
    [Parameter]
    public int? Priority { get; set; }

    /// <summary>Does not wait for buffer space.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Closes the sending side after the last message, so that the receiver sees the end of the stream.</summary>
    [Parameter]
    public SwitchParameter Close { get; set; }

    /// <summary>Replies to a message that was received with -Envelope.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ReplySet)]
    public IpcMessage ReplyTo { get; set; } = null!;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        Lease = Require(Open);
        WriteOpened();
        Encoder = CreateEncoder(_options.Format);
        _sender = new BufferedSender(Lease.Object, StopToken);
    }

    private IpcLease<IpcChannel> Open()
    {
        var deadline = DeadlineFrom(Timeout, NoWait);
        _options = Options();
        return ParameterSetName == ReplySet
            ? new IpcLease<IpcChannel>(ReplyTo.Channel, owned: false)
            : Channel.Lease<IpcChannel>(IpcAccess.Write, new(deadline, StopToken), isLast: Close);
    }

    private protected override void Send(object? value)
    {
        try
        {
            var payload = Encoder!.Encode(value, StopToken);
            if (Lease!.Object.ConfirmsLater)
            {
                SendConfirmed(payload, value);
                WriteEncoderWarnings();
                return;
            }
            // With -Timeout or -NoWait each message is sent on its own, so that its result can be reported. Others are sent in bursts.
            if (Timeout is null && !NoWait) _sender!.Send(payload, _options);
            else Lease.Object.Send(payload, _options, WaitFrom(Timeout, NoWait));
            Count(payload.Length);
        }
        catch (IpcException e)
        {
            Report(e, value);
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        WriteEncoderWarnings();
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        base.EndProcessing();
        Require(() =>
        {
            _sender!.Flush();
            ReportFailures();
            if (ParameterSetName == ReplySet) ReplyTo.MarkAnswered();
            // A channel that the command opened itself is closed when the command ends.
            if (Close && !Lease!.IsOwned) Lease.Object.CompleteSending();
        });
        if (IsVerbose)
            WriteVerbose($"Messages sent to '{Lease!.Object.Address}' as {Encoder!.Format}: {_sent}, of {_sentBytes} bytes in all.");
    }

    // A broker confirms each message. Many are on their way meanwhile, and what is not stored is reported with its value.
    private void SendConfirmed(ReadOnlySpan<byte> payload, object? value)
    {
        var options = _options with { OnFailed = e => _failures.Enqueue((e, value)) };
        Lease!.Object.Enqueue(payload, options, WaitFrom(Timeout, NoWait));
        Count(payload.Length);
        ReportFailures();
    }

    private void Count(int bytes)
    {
        _sent++;
        _sentBytes += bytes;
    }

    private void ReportFailures()
    {
        while (_failures.TryDequeue(out var failed))
        {
            _sent--;
            Report(failed.Error, failed.Value);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _sender?.Dispose();
        base.Dispose(disposing);
    }

    private SendOptions Options()
    {
        if (Type <= 0) throw IpcException.Argument($"A message type is 1 or more, and this one is {Type}.");
        if (Priority is < 0 or > 32767) throw IpcException.Argument($"A priority is 0 to 32767, and this one is {Priority}.");
        var isReply = ParameterSetName == ReplySet;
        return new SendOptions
        {
            Format = SendsFiles ? FileFormat()
                : isReply && !MyInvocation.BoundParameters.ContainsKey(nameof(Format)) ? ReplyFormat(ReplyTo) : Format,
            Delimiter = isReply && !MyInvocation.BoundParameters.ContainsKey(nameof(Delimiter)) ? ReplyTo.Delimiter : Delimiter,
            Type = Type ?? 0,
            Priority = Priority,
            CorrelationId = isReply ? ReplyTo.CorrelationId : 0,
            IsReply = isReply && ReplyTo.CorrelationId != 0,
            Handles = Descriptors(),
        };
    }

    // The peer reads the format that it sends: a program that sent a plain line gets a plain line.
    private static IpcFormat ReplyFormat(IpcMessage request) => request.Format switch
    {
        IpcFormat.Auto or IpcFormat.Text => IpcFormat.Text,
        IpcFormat.Json => IpcFormat.Json,
        IpcFormat.Bytes when request.CorrelationId == 0 => IpcFormat.Bytes,
        _ => IpcFormat.Object,
    };

    // A failure of one message is that message's error. A failure of the channel ends the command, instead of an error for each message.
    private static bool IsOfValue(IpcErrorId id) =>
        id == IpcErrors.Timeout || id == IpcErrors.Full || id == IpcErrors.NotConfirmed || id == IpcErrors.QueueFull;

    private void Report(IpcException e, object? value)
    {
        var record = ErrorRecords.ToRecord(e, IsOfValue(e.Id) ? value : null);
        if (e.Id == IpcErrors.PeerClosed || e.Id == IpcErrors.Closed || e.Id == IpcErrors.Removed || e.Id == IpcErrors.NotSupported
            || e.Id == IpcErrors.AccessDenied)
            ThrowTerminatingError(record);
        WriteError(record);
    }
}
