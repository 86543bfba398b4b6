using System.Globalization;
using System.Management.Automation;
using System.Security.Cryptography;
using IpcPs.Module.Transformation;
using IpcPs.Queues;

namespace IpcPs.Module.Commands.Queues;

/// <summary><c>New-IpcQueue</c>: a message queue of the kernel, POSIX or System V.</summary>
[Cmdlet(VerbsCommon.New, "IpcQueue", SupportsShouldProcess = true)]
[OutputType(typeof(PosixQueue), typeof(SysVQueue))]
public sealed class NewIpcQueueCommand : IpcCmdlet
{
    /// <summary>The name of a POSIX queue; one is made up where none is given.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>The family: Posix, unless a key is given.</summary>
    [Parameter]
    public IpcQueueKind? Kind { get; set; }

    /// <summary>The key of a System V queue: 0x2a, 42 or /path#id; without one the queue is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>POSIX: messages that it holds.</summary>
    [Parameter]
    public long? MaxMessages { get; set; }

    /// <summary>POSIX: bytes that one message may have.</summary>
    [Parameter]
    public long? MaxMessageSize { get; set; }

    /// <summary>System V: bytes of payload that it holds.</summary>
    [Parameter]
    public long? MaxBytes { get; set; }

    /// <summary>Who may receive (read) and send (write): 600 (default), '0660', 'u=rw,g=w'.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var address = Address();
        var what = address?.Text ?? "sysvmq:(private)";
        if (!ShouldProcess(what, "Create message queue")) return;
        WriteObject(address is { Scheme: IpcScheme.Mq } ? PosixQueue.Create(address, MaxMessages, MaxMessageSize, Mode) : SysVQueue.Create(address?.Key, Mode, MaxBytes));
    });

    /// <summary>Where the queue will be; null for a private one.</summary>
    private IpcAddress? Address()
    {
        // A full address says its family itself; a name may have a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) ? full : null;
        var kind = Kind ?? (Key is not null || named?.Scheme == IpcScheme.SysVMq ? IpcQueueKind.SysV : IpcQueueKind.Posix);
        return kind == IpcQueueKind.SysV ? SysVAddress(named) : PosixAddress(named);
    }

    private IpcAddress? SysVAddress(IpcAddress? named)
    {
        if (MaxMessages is not null || MaxMessageSize is not null)
            throw IpcException.Argument("A System V queue is bounded by the bytes of all its messages: use -MaxBytes instead of -MaxMessages and -MaxMessageSize.", Name);
        if (Key is null && named?.Scheme == IpcScheme.SysVMq) return named;
        if (Name is not null)
            throw IpcException.Argument($"A System V queue has a key and no name: instead of '{Name}' give -Key 0x2a, -Key 42 or -Key /path#id, or none for a private queue.", Name);
        return Key is null ? null : IpcAddress.Parse("sysvmq:" + Key);
    }

    private IpcAddress PosixAddress(IpcAddress? named)
    {
        if (Key is not null) throw IpcException.Argument("A POSIX queue has a name and no key: leave out -Key, or ask for -Kind SysV.", Name);
        if (MaxBytes is not null)
            throw IpcException.Argument("A POSIX queue is bounded by the number and the size of its messages: use -MaxMessages and -MaxMessageSize instead of -MaxBytes.", Name);
        if (named is not null) return named.Scheme == IpcScheme.Mq ? named : throw IpcException.Argument($"'{named}' is not the address of a message queue.", Name);
        return IpcAddress.OfName(IpcScheme.Mq, Name ?? string.Create(CultureInfo.InvariantCulture, $"ipcps-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}"));
    }
}
