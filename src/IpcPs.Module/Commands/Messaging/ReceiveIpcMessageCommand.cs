using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;
using IpcPs.Sockets.Server;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Receive-IpcMessage</c>: receives one message, a number of them, or all until the other side closes.</summary>
[Cmdlet(VerbsCommunications.Receive, "IpcMessage", DefaultParameterSetName = CountSet)]
[OutputType(typeof(object), typeof(IpcMessage))]
public sealed class ReceiveIpcMessageCommand : IpcCmdlet
{
    private const string CountSet = "Count";
    private const string AllSet = "All";

    private readonly MessageBuffer _message = new();
    private readonly MessageDecoder _decoder = new();

    /// <summary>Where to receive: a channel, its address, or an IpcJob; of several, whichever has a message first.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[] Channel { get; set; } = null!;

    /// <summary>How many messages.</summary>
    [Parameter(ParameterSetName = CountSet)]
    public long Count { get; set; } = 1;

    /// <summary>Receives until the other side closes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AllSet)]
    public SwitchParameter All { get; set; }

    /// <summary>What the bytes are. Auto knows an IpcPs envelope, else gives text where the bytes are valid UTF-8, else bytes.</summary>
    [Parameter]
    public IpcFormat Format { get; set; }

    /// <summary>System V queues: 0 for any type, n for that one, -n for the lowest up to n.</summary>
    [Parameter]
    public long Type { get; set; }

    /// <summary>System V queues: any type but -Type.</summary>
    [Parameter]
    public SwitchParameter ExceptType { get; set; }

    /// <summary>System V queues: leaves the message in the queue.</summary>
    [Parameter]
    public SwitchParameter Peek { get; set; }

    /// <summary>How long to wait for each message: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Does not wait for a message.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Gives an IpcMessage, with sender, type and priority, instead of the message's body alone.</summary>
    [Parameter]
    public SwitchParameter Envelope { get; set; }

    /// <summary>Of a listener: hands out the connections of its clients, one by one, instead of their messages.</summary>
    [Parameter]
    public SwitchParameter Connection { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (Count < 1) throw IpcException.Argument($"-Count must be 1 or more, and is {Count}.");
        if (Connection)
        {
            Accept();
            return;
        }
        using var source = ReceiveSource.Open(Channel, WaitFrom(Timeout, NoWait));
        var options = Options(exact: source.IsOwned && !All);
        for (long received = 0; All || received < Count; received++)
        {
            IpcChannel? channel;
            try
            {
                channel = source.Receive(_message, options, WaitFrom(Timeout, NoWait));
            }
            catch (IpcException)
            {
                WriteWarnings(source.Channels);
                throw;
            }
            WriteWarnings(source.Channels);
            if (channel is null) break;
            if (_message.Lost > 0) WriteWarning($"{_message.Lost} messages on '{channel.Address}' were dropped before this one: this reader is too slow for its writers.");
            WriteMessage(channel);
        }
        if (source.Abandoned > 0) WriteWarning($"{source.Abandoned} messages were dropped: their writer went away before the last part of them.");
    });

    private ReceiveOptions Options(bool exact) => new()
    {
        Format = Format,
        Type = MyInvocation.BoundParameters.ContainsKey(nameof(Type)) ? Type : null,
        ExceptType = ExceptType,
        Peek = Peek,
        Exact = exact,
    };

    private void Accept()
    {
        if (Channel is not [{ Object: SocketListener listener }])
            throw new IpcException(IpcErrors.NotSupported, "-Connection takes one listener of stream or seqpacket sockets.", Channel[0].ToString(), "New-IpcSocket makes one.");
        for (long accepted = 0; All || accepted < Count; accepted++)
        {
            try
            {
                WriteObject(listener.Accept(WaitFrom(Timeout, NoWait)));
            }
            finally
            {
                if (!StopToken.IsCancellationRequested) WriteWarnings([listener]);
            }
        }
    }

    private void WriteWarnings(IReadOnlyList<IpcChannel> channels)
    {
        foreach (var channel in channels)
        {
            foreach (var warning in channel.TakeWarnings()) WriteWarning(ErrorRecords.WithCommand(warning));
        }
    }

    private void WriteMessage(IpcChannel channel)
    {
        if (_message.LostHandles) WriteWarning($"Not all descriptors that came with a message on '{channel.Address}' could be received: this process has RLIMIT_NOFILE descriptors open.");
        object? body;
        try
        {
            body = _decoder.Decode(_message, Format);
        }
        catch (IpcException e)
        {
            // One message that can't be read takes none of the others with it.
            WriteError(ErrorRecords.ToRecord(e, channel.Address.Text));
            return;
        }
        var result = Envelope ? new IpcMessage(_message, body, channel, Format) : body;
        // Descriptors are in the envelope, or nobody's.
        _message.DropHandles();
        WriteObject(result);
    }
}
