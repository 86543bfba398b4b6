using System.Management.Automation;
using System.Numerics;
using IpcPs.Rings;

namespace IpcPs.Module.Commands.Rings;

/// <summary>What happens when a broadcast is full because a reader is slow.</summary>
public enum RingOverflow
{
    /// <summary>The writers wait for the slow reader.</summary>
    Hold,
    /// <summary>The slow reader loses the oldest messages, and gets a warning that says how many.</summary>
    DropOldest,
}

/// <summary><c>New-IpcRing</c>: creates a ring of messages in shared memory.</summary>
[Cmdlet(VerbsCommon.New, "IpcRing", SupportsShouldProcess = true, DefaultParameterSetName = QueueSet)]
[OutputType(typeof(MessageRing))]
public sealed class NewIpcRingCommand : NewObjectCommand
{
    private const string QueueSet = "Queue";
    private const string BroadcastSet = "Broadcast";

    /// <summary>The ring's name, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Name { get; set; } = null!;

    /// <summary>How many bytes the ring holds: 64KB to 1GB, rounded up to a power of two. A message can have almost half of them.</summary>
    [Parameter]
    public long Capacity { get; set; } = 1024 * 1024;

    /// <summary>Every reader receives every message, instead of each message going to one reader.</summary>
    [Parameter(Mandatory = true, ParameterSetName = BroadcastSet)]
    public SwitchParameter Broadcast { get; set; }

    /// <summary>What happens when a reader is slow: the writers wait, or it loses the oldest messages.</summary>
    [Parameter(ParameterSetName = BroadcastSet)]
    public RingOverflow Overflow { get; set; }

    /// <summary>Keeps the ring and its messages when the last process closes it.</summary>
    [Parameter]
    public SwitchParameter Persist { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = Address();
        if (!ShouldProcess(address.Text, "Create message ring")) return;
        var options = new RingOptions { Capacity = Capacity, Delivery = Delivery(), Mode = Mode.Value, Persist = Persist };
        WriteObject(CreateOrOpen(address, () => MessageRing.Create(address, options), ring =>
        [
            ExistingObject.Difference("delivery", ring.Delivery, options.Delivery),
            IsGiven(nameof(Capacity))
                ? ExistingObject.Difference("capacity", ring.Capacity, (long)BitOperations.RoundUpToPowerOf2((ulong)Capacity))
                : null,
            Persist ? ExistingObject.Difference("IsPersistent", ring.IsPersistent, true) : null,
        ]));
    });

    private RingDelivery Delivery() =>
        !Broadcast ? RingDelivery.Queue
        : Overflow == RingOverflow.DropOldest ? RingDelivery.BroadcastDropOldest
        : RingDelivery.BroadcastHold;

    private IpcAddress Address()
    {
        var address = IpcAddress.TryParse(Name, out var full) ? full! : IpcAddress.OfName(IpcScheme.Ring, Name);
        return address.Scheme == IpcScheme.Ring ? address : throw IpcException.Argument($"'{address}' is not the address of a ring.", Name);
    }
}
