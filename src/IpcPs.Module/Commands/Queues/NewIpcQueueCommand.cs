using System.Globalization;
using System.Management.Automation;
using System.Security.Cryptography;
using IpcPs.Queues;

namespace IpcPs.Module.Commands.Queues;

/// <summary>The kinds of message queue that <c>New-IpcQueue</c> creates.</summary>
public enum IpcQueueKind
{
    /// <summary>A POSIX message queue: it has a name and priorities; mq_overview(7).</summary>
    Posix,
    /// <summary>A System V message queue: it has a key and message types; sysvipc(7).</summary>
    SysV,
}

/// <summary><c>New-IpcQueue</c>: creates a POSIX or System V message queue.</summary>
[Cmdlet(VerbsCommon.New, "IpcQueue", SupportsShouldProcess = true)]
[OutputType(typeof(PosixQueue), typeof(SysVQueue))]
public sealed class NewIpcQueueCommand : NewObjectCommand
{
    /// <summary>The name of a POSIX queue; without a name it gets a unique one.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>The kind; Posix, unless a key is given.</summary>
    [Parameter]
    public IpcQueueKind? Kind { get; set; }

    /// <summary>The key of a System V queue: 0x2a, 42 or /path#id. Without a key the queue is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>POSIX: how many messages the queue holds.</summary>
    [Parameter]
    public long? MaxMessages { get; set; }

    /// <summary>POSIX: how many bytes one message can have.</summary>
    [Parameter]
    public long? MaxMessageSize { get; set; }

    /// <summary>System V: how many bytes of payload the queue holds.</summary>
    [Parameter]
    public long? MaxBytes { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = Address();
        if (!ShouldProcess(address?.Text ?? "sysvmq:(private)", "Create message queue")) return;
        WriteObject(address is { Scheme: IpcScheme.Mq }
            ? CreateOrOpen(address, () => PosixQueue.Create(address, MaxMessages, MaxMessageSize, Mode.Value), queue =>
            [
                ExistingObject.Difference(nameof(MaxMessages), queue.MaxMessages, MaxMessages ?? queue.MaxMessages),
                ExistingObject.Difference(nameof(MaxMessageSize), queue.MaxMessageSize, MaxMessageSize ?? queue.MaxMessageSize),
            ])
            : CreateOrOpen(address, () => SysVQueue.Create(address?.Key, Mode.Value, MaxBytes),
                queue => [ExistingObject.Difference(nameof(MaxBytes), queue.MaxBytes, MaxBytes ?? queue.MaxBytes)]));
    });

    /// <summary>The address of the new queue; null for a private one.</summary>
    private IpcAddress? Address()
    {
        // A full address has the kind in it. Any other text is a name, even with a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) ? full : null;
        var kind = Kind ?? (Key is not null || named?.Scheme == IpcScheme.SysVMq ? IpcQueueKind.SysV : IpcQueueKind.Posix);
        return kind == IpcQueueKind.SysV ? SysVAddress(named) : PosixAddress(named);
    }

    private IpcAddress? SysVAddress(IpcAddress? named)
    {
        if (MaxMessages is not null || MaxMessageSize is not null)
        {
            throw IpcException.Argument("A System V queue is limited by the bytes of all its messages: "
                + "use -MaxBytes instead of -MaxMessages and -MaxMessageSize.", Name);
        }
        if (Key is null && named?.Scheme == IpcScheme.SysVMq) return named;
        if (Name is not null) throw HasKey("queue", Name);
        return Key is null ? null : IpcAddress.Parse("sysvmq:" + Key);
    }

    private IpcAddress PosixAddress(IpcAddress? named)
    {
        if (Key is not null) throw IpcException.Argument("A POSIX queue has a name and no key: omit -Key, or use -Kind SysV.", Name);
        if (MaxBytes is not null)
        {
            throw IpcException.Argument("A POSIX queue is limited by the number and the size of its messages: "
                + "use -MaxMessages and -MaxMessageSize instead of -MaxBytes.", Name);
        }
        if (named is null) return IpcAddress.Parse("mq:" + (Name ?? UniqueName()));
        return named.Scheme == IpcScheme.Mq
            ? named
            : throw IpcException.Argument($"'{named}' is not the address of a message queue.", Name);
    }

    private static string UniqueName()
    {
        var random = RandomNumberGenerator.GetHexString(8, lowercase: true);
        return string.Create(CultureInfo.InvariantCulture, $"ipcps-{Environment.ProcessId}-{random}");
    }
}
