using System.Globalization;
using System.Management.Automation;
using System.Security.Cryptography;
using IpcPs.Brokers;
using IpcPs.Mechanisms;
using IpcPs.Module.Transformation;
using IpcPs.Queues;

namespace IpcPs.Module.Commands.Queues;

/// <summary>The kinds of message queue that <c>New-IpcQueue</c> creates.</summary>
public enum IpcQueueKind
{
    /// <summary>A POSIX message queue: it has a name and priorities; mq_overview(7).</summary>
    Posix,
    /// <summary>A System V message queue: it has a key and message types; sysvipc(7).</summary>
    SysV,
    /// <summary>A work queue of a NATS broker: it may be on another machine, and survives its receivers.</summary>
    Nats,
}

/// <summary><c>New-IpcQueue</c>: creates a POSIX or System V message queue, or a queue of a NATS broker.</summary>
[Cmdlet(VerbsCommon.New, "IpcQueue", SupportsShouldProcess = true)]
[OutputType(typeof(PosixQueue), typeof(SysVQueue))]
[OutputType("IpcPs.Nats.NatsQueue")]
public sealed class NewIpcQueueCommand : NewObjectCommand
{
    private static readonly string[] ForBroker =
    [
        nameof(Replicas), nameof(MaxAge), nameof(Discard), nameof(Storage), nameof(DuplicateWindow), nameof(AckWait), nameof(Credential),
        nameof(CredentialPath), nameof(CaPath), nameof(CertificatePath), nameof(KeyPath), nameof(Timeout),
    ];

    /// <summary>The name of a POSIX queue or of a queue of NATS; without a name it gets a unique one.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>The kind; Posix, unless a key is given.</summary>
    [Parameter]
    public IpcQueueKind? Kind { get; set; }

    /// <summary>The key of a System V queue: 0x2a, 42 or /path#id. Without a key the queue is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>POSIX, NATS: how many messages the queue holds.</summary>
    [Parameter]
    public long? MaxMessages { get; set; }

    /// <summary>POSIX, NATS: how many bytes one message can have.</summary>
    [Parameter]
    public long? MaxMessageSize { get; set; }

    /// <summary>System V: how many bytes of payload the queue holds. NATS: how many bytes its messages have with their
    /// headers.</summary>
    [Parameter]
    public long? MaxBytes { get; set; }

    /// <summary>NATS: how many servers keep each message, 1 to 5.</summary>
    [Parameter]
    [ValidateRange(1, 5)]
    public int? Replicas { get; set; }

    /// <summary>NATS: how long a message is kept: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? MaxAge { get; set; }

    /// <summary>NATS: what a full queue does. New refuses the new message, so that its sender waits. Old drops the oldest
    /// ones.</summary>
    [Parameter]
    public BrokerDiscard? Discard { get; set; }

    /// <summary>NATS: where the messages are, File or Memory.</summary>
    [Parameter]
    public BrokerStorage? Storage { get; set; }

    /// <summary>NATS: how long the broker remembers the ids of messages, to drop what was sent twice.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? DuplicateWindow { get; set; }

    /// <summary>NATS: how long the broker waits for the acknowledgement of a message before another receiver gets it.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? AckWait { get; set; }

    /// <summary>NATS: the user and the password.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>NATS: the path of a file with a user's JWT and key, as nsc writes it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CredentialPath { get; set; }

    /// <summary>NATS: the path of a PEM file with the certificate authorities that are trusted.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CaPath { get; set; }

    /// <summary>NATS: the path of a PEM file with this client's certificate.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>NATS: the path of a PEM file with the key of -CertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? KeyPath { get; set; }

    /// <summary>NATS: how long to wait for the broker: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = Address();
        if (address is { Scheme: IpcScheme.Nats or IpcScheme.Tls })
        {
            CreateOfBroker(address);
            return;
        }
        if (ForBroker.FirstOrDefault(IsGiven) is { } parameter)
            throw IpcException.Argument($"-{parameter} is for a queue of NATS: use -Kind Nats, or omit it.", Name);
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
        return kind == IpcQueueKind.Nats || named?.Scheme is IpcScheme.Nats or IpcScheme.Tls ? BrokerAddress(named)
            : kind == IpcQueueKind.SysV ? SysVAddress(named) : PosixAddress(named);
    }

    private void CreateOfBroker(IpcAddress address)
    {
        if (IsGiven(nameof(Mode)))
            throw IpcException.Argument("A queue of NATS has no mode: the broker's accounts say who may use it.", Name);
        if (!ShouldProcess(address.Text, "Create message queue")) return;
        var options = new BrokerQueueOptions
        {
            Replicas = Replicas,
            MaxAge = MaxAge?.Value,
            MaxBytes = MaxBytes,
            MaxMessages = MaxMessages,
            MaxMessageSize = MaxMessageSize is { } size ? checked((int)Math.Min(size, int.MaxValue)) : null,
            Discard = Discard ?? BrokerDiscard.New,
            Storage = Storage ?? BrokerStorage.File,
            DuplicateWindow = DuplicateWindow?.Value,
            AckWait = AckWait?.Value,
        };
        var login = BrokerLogins.Of(this, Credential, CredentialPath, CaPath, CertificatePath, KeyPath);
        WriteObject(IpcMechanisms.Broker(address.Scheme).Create(address, options, login, Force, WaitFrom(Timeout)));
    }

    private IpcAddress BrokerAddress(IpcAddress? named)
    {
        if (Key is not null) throw IpcException.Argument("A queue of NATS has a name and no key: omit -Key, or use -Kind SysV.", Name);
        if (named is null) return IpcAddress.Parse("nats:" + (Name ?? UniqueName()));
        return named.Scheme is IpcScheme.Nats or IpcScheme.Tls
            ? named
            : throw IpcException.Argument($"'{named}' is not the address of a queue of NATS.", Name);
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
