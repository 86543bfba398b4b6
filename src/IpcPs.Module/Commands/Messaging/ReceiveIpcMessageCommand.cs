using System.Management.Automation;
using System.Reflection;
using System.Runtime.ExceptionServices;
using IpcPs.Module.Completion;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;
using IpcPs.Sockets.Server;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Receive-IpcMessage</c>: receives one message, several, or all until the peer closes.</summary>
[Cmdlet(VerbsCommunications.Receive, "IpcMessage", DefaultParameterSetName = CountSet)]
[OutputType(typeof(object), typeof(IpcMessage))]
public sealed class ReceiveIpcMessageCommand : IpcCmdlet
{
    private const string CountSet = "Count";
    private const string AllSet = "All";

    // A call for each message would allocate 8 KiB for a message of a few bytes.
    private static MessageBuffer? _spare;

    private readonly MessageBuffer _message = Interlocked.Exchange(ref _spare, null) ?? new MessageBuffer();
    private readonly MessageDecoder _decoder = new();
    private bool _isRecycled;

    /// <summary>The channels to receive from, their addresses, or IpcJobs. Of several, the first that has a message.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[] Channel { get; set; } = null!;

    /// <summary>How many messages to receive.</summary>
    [Parameter(ParameterSetName = CountSet)]
    public long Count { get; set; } = 1;

    /// <summary>Receives until the peer closes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AllSet)]
    public SwitchParameter All { get; set; }

    /// <summary>The format of the message. Auto uses the message's envelope; a message without one is text if it is valid UTF-8,
    /// else bytes.</summary>
    [Parameter]
    public IpcFormat Format { get; set; }

    /// <summary>Pipes and stream sockets: what ends a text that comes without an envelope.</summary>
    [Parameter]
    public IpcDelimiter Delimiter { get; set; }

    /// <summary>System V queues: 0 for any type, n for type n, -n for the lowest type up to n.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>System V queues: any type except -Type.</summary>
    [Parameter]
    public SwitchParameter ExceptType { get; set; }

    /// <summary>Queues of System V and of NATS: leaves the message in the queue.</summary>
    [Parameter]
    public SwitchParameter Peek { get; set; }

    /// <summary>How long to wait for each message: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Does not wait for a message.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Returns an IpcMessage, with sender, type and priority, instead of the message's body alone.</summary>
    [Parameter]
    public SwitchParameter Envelope { get; set; }

    /// <summary>Listeners: returns the connections of the clients, one by one, instead of their messages.</summary>
    [Parameter]
    public SwitchParameter Connection { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Receive);

    private void Receive()
    {
        if (Count < 1) throw IpcException.Argument($"-Count must be 1 or more, and is {Count}.");
        if (Connection)
        {
            Accept();
            return;
        }
        using var source = ReceiveSource.Open(Channel, WaitFrom(Timeout, NoWait));
        var names = IsVerbose ? Names(source) : "";
        if (source.IsOwned && IsVerbose) WriteVerbose($"Opened {names} for this call.");
        var options = Options(exact: source.IsOwned && !All);
        long received = 0;
        using var ahead = new AheadGuard(source, _message);
        for (; All || received < Count; received++)
        {
            options = options with { Ahead = Ahead(received) };
            IpcChannel? channel;
            try
            {
                channel = source.Receive(_message, options, WaitFrom(Timeout, NoWait));
            }
            catch (IpcException e)
            {
                WriteWarnings(source.Channels);
                if (IsDrained(e)) break;
                // The messages after one that cannot be received are received all the same.
                if (!e.IsOfOneMessage) throw;
                WriteError(ErrorRecords.ToRecord(e, e.Target));
                continue;
            }
            WriteWarnings(source.Channels);
            if (channel is null)
            {
                if (IsVerbose) WriteVerbose($"The sender of {names} has closed it.");
                break;
            }
            if (_message.Lost > 0)
            {
                WriteWarning($"{_message.Lost} messages on '{channel.Address}' were dropped before this one: "
                    + "this reader is too slow for its writers.");
            }
            if (!TryWriteMessage(channel)) received--;
        }
        if (IsVerbose) WriteVerbose($"Messages received from {names}: {received}.");
        if (source.Abandoned > 0)
            WriteWarning($"{source.Abandoned} messages were dropped: their writer closed before it sent their last part.");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        // Once: the next receiver has it from here on.
        if (!disposing || _isRecycled) return;
        _isRecycled = true;
        if (_message.TryRecycle()) _spare = _message;
    }

    private static string Names(ReceiveSource source) =>
        string.Join(", ", source.Channels.Select(static c => $"'{c.Address}' ({c.Kind})"));

    private ReceiveOptions Options(bool exact) => new()
    {
        Format = Format,
        Delimiter = Delimiter,
        Type = Type,
        ExceptType = ExceptType,
        Peek = Peek,
        Exact = exact,
    };

    // A broker sends so many at once. The command returns those that it did not receive when it ends.
    private int Ahead(long received) => (int)Math.Min(All ? long.MaxValue : Count - received - 1, ReceiveOptions.ManyAhead);

    /// <summary>Whether all that was there has been received: -All -NoWait asks for no more.</summary>
    private bool IsDrained(IpcException e) => All && NoWait && e.Id == IpcErrors.Empty;

    private void Accept()
    {
        if (Channel is not [{ Object: SocketListener listener }])
        {
            throw new IpcException(IpcErrors.NotSupported, "-Connection takes one listener of stream or seqpacket sockets.",
                Channel[0].ToString(), "New-IpcSocket creates one.");
        }
        for (long accepted = 0; All || accepted < Count; accepted++)
        {
            try
            {
                WriteObject(listener.Accept(WaitFrom(Timeout, NoWait)));
            }
            catch (IpcException e) when (IsDrained(e))
            {
                return;
            }
            finally
            {
                if (!StopToken.IsCancellationRequested) WriteWarnings([listener]);
            }
        }
    }

    private void WriteWarnings(IReadOnlyList<IpcChannel> channels)
    {
        for (var i = 0; i < channels.Count; i++)
        {
            if (channels[i].TakeWarnings() is not { Count: > 0 } warnings) continue;
            foreach (var warning in warnings) WriteWarning(ErrorRecords.WithCommand(warning));
        }
    }

    /// <returns>False if a listener rejected the message with its client: another one is received in its place.</returns>
    private bool TryWriteMessage(IpcChannel channel)
    {
        if (_message.LostHandles)
        {
            WriteWarning($"Some descriptors of a message on '{channel.Address}' were lost: "
                + "this process has as many descriptors open as RLIMIT_NOFILE allows.");
        }
        object? body;
        try
        {
            body = _decoder.Decode(_message, Format, StopToken);
        }
        catch (IpcException e)
        {
            // The messages after one that cannot be read are received all the same.
            if (channel.TryReject(_message, e))
            {
                WriteWarnings([channel]);
                return false;
            }
            WriteError(ErrorRecords.ToRecord(e, channel.Address.Text));
            _message.Acknowledge();
            return true;
        }
        var result = Envelope ? new IpcMessage(_message, body, channel, Format, Delimiter) : body;
        // The envelope has taken the descriptors. Without one they are closed.
        _message.DropHandles();
        try
        {
            // The commands behind this one run in this call.
            WriteObject(result);
        }
        catch (PipelineStoppedException) when (HasEnough())
        {
            // Any other exception means that it was not processed.
            _message.Acknowledge();
            throw;
        }
        _message.Acknowledge();
        return true;
    }

    // Select-Object -First has passed the message on, and wants no more. PowerShell ends the commands before it with the same exception as
    // after an error, and only its pipeline knows which of the two it was. Where that cannot be read, the message is returned.
    private bool HasEnough() =>
        Member(Member(CommandRuntime, "PipelineProcessor"), "_firstTerminatingError") is ExceptionDispatchInfo first
        && first.SourceException.GetType().Name == "StopUpstreamCommandsException";

    private static object? Member(object? of, string name)
    {
        const BindingFlags any = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        return of?.GetType().GetProperty(name, any)?.GetValue(of) ?? of?.GetType().GetField(name, any)?.GetValue(of);
    }

    /// <summary>Returns what a broker has sent and the command did not process.</summary>
    private readonly struct AheadGuard(ReceiveSource source, MessageBuffer message) : IDisposable
    {
        public void Dispose()
        {
            message.TakeReceipt().Return();
            source.ReturnAhead();
        }
    }
}
