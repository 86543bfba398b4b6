using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Messaging;

/// <summary><c>Register-IpcMessage</c>: creates a PowerShell event for each received message.</summary>
[Cmdlet(VerbsLifecycle.Register, "IpcMessage")]
[OutputType(typeof(PSEventJob))]
public sealed class RegisterIpcMessageCommand : EventCommand
{
    /// <summary>The channels to receive from, their addresses, or IpcJobs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[] Channel { get; set; } = null!;

    /// <summary>The format of the messages; see Receive-IpcMessage.</summary>
    [Parameter]
    public IpcFormat Format { get; set; }

    /// <summary>Pipes and stream sockets: what ends a text that comes without an envelope.</summary>
    [Parameter]
    public IpcDelimiter Delimiter { get; set; }

    /// <summary>System V queues: 0 for any type of message, n for type n, -n for the lowest type up to n.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>System V queues: any type except -Type.</summary>
    [Parameter]
    public SwitchParameter ExceptType { get; set; }

    /// <summary>Ends the subscription after this many messages; 0 for never.</summary>
    [Parameter]
    [Alias("Count")]
    [ValidateRange(0, int.MaxValue)]
    public int MaxTriggerCount { get; set; }

    /// <summary>How many events may be pending. While there are as many, no more messages are received.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int MaxPending { get; set; } = 100;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var identifier = Identifier($"IpcMessage.{Channel[0]}");
        var options = new MessageEventOptions(
            new ReceiveOptions { Format = Format, Delimiter = Delimiter, Type = Type, ExceptType = ExceptType },
            MessageData, Action is not null, MaxPending, MaxTriggerCount);
        var receiving = ReceiveSource.Open(Channel, StopToken);
        try
        {
            var source = new MessageEventSource(Events, identifier, receiving, options);
            var subscriber = Events.SubscribeEvent(source, nameof(MessageEventSource.Received), identifier, MessageData,
                GuardedAction("$Sender.MarkStarted()", "$Sender.MarkHandled()"), supportEvent: false, forwardEvent: false);
            source.Start(Runspace.DefaultRunspace, subscriber);
            if (Action is not null) WriteObject(subscriber.Action);
        }
        catch
        {
            receiving.Dispose();
            throw;
        }
    });
}
