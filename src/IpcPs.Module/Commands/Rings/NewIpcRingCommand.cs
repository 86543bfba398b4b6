using System.Management.Automation;
using IpcPs.Module.Transformation;
using IpcPs.Rings;

namespace IpcPs.Module.Commands.Rings;

/// <summary><c>New-IpcRing</c>: a ring of messages in shared memory.</summary>
[Cmdlet(VerbsCommon.New, "IpcRing", SupportsShouldProcess = true, DefaultParameterSetName = QueueSet)]
[OutputType(typeof(MessageRing))]
public sealed class NewIpcRingCommand : IpcCmdlet
{
    private const string QueueSet = "Queue";
    private const string BroadcastSet = "Broadcast";

    /// <summary>The ring's name, or its address.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public string Name { get; set; } = null!;

    /// <summary>Bytes that it holds: 64KB to 1GB, rounded up to a power of two. A message may have almost half of them.</summary>
    [Parameter]
    public long Capacity { get; set; } = 1024 * 1024;

    /// <summary>Gives every message to every reader, instead of each to one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = BroadcastSet)]
    public SwitchParameter Broadcast { get; set; }

    /// <summary>What happens when a reader is slow: it holds the writers back, or loses the oldest messages.</summary>
    [Parameter(ParameterSetName = BroadcastSet)]
    public RingOverflow Overflow { get; set; }

    /// <summary>Keeps the ring, and what is in it, when the last process that has it open closes it.</summary>
    [Parameter]
    public SwitchParameter Persist { get; set; }

    /// <summary>Who may use it: 600 (default), '0660', 'u=rw,g=rw'.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = Address();
        if (!ShouldProcess(address.Text, "Create message ring")) return;
        WriteObject(MessageRing.Create(address, new RingOptions { Capacity = Capacity, Delivery = Delivery(), Mode = Mode, Persist = Persist }));
    });

    private RingDelivery Delivery() =>
        !Broadcast ? RingDelivery.Queue : Overflow == RingOverflow.DropOldest ? RingDelivery.BroadcastDropOldest : RingDelivery.BroadcastHold;

    private IpcAddress Address()
    {
        var address = IpcAddress.TryParse(Name, out var full) ? full! : IpcAddress.OfName(IpcScheme.Ring, Name);
        return address.Scheme == IpcScheme.Ring ? address : throw IpcException.Argument($"'{address}' is not the address of a ring.", Name);
    }
}
