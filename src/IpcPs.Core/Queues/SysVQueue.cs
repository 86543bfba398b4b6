using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>A System V message queue (sysvipc(7)). Each message has a type of 1 or more, by which receivers choose. The kernel keeps the
/// messages until they are received, the queue is removed or the machine restarts.</summary>
/// <remarks>One queue can carry both directions, or serve many clients, when each side receives its own type. Senders wait while the queue
/// is full (<see cref="MaxBytes"/>), receivers while it has no message of the type that they want. A receiver does not learn that the last
/// sender has exited. Removing the queue destroys its messages and ends all waits with <see cref="IpcErrors.Removed"/>. The queue is not a
/// file: it has no descriptor and is not closed by the kernel.
/// Calls: msgget(2), msgsnd(2), msgrcv(2), msgctl(2); a call that blocks is interrupted by tgkill(2).</remarks>
public sealed partial class SysVQueue : MessageChannel, IIpcPermissions, IIpcMaxBytes
{
    private readonly IpcAccess _access;

    private SysVQueue(IpcAddress address, int id, IpcAccess access) : base(address, receivesOneByOne: false)
    {
        Id = id;
        _access = access == IpcAccess.Default ? IpcAccess.ReadWrite : access;
    }

    /// <inheritdoc/>
    public override string Kind => "System V message queue";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && _access.HasFlag(IpcAccess.Write);

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && _access.HasFlag(IpcAccess.Read);

    /// <summary>The kernel's id of the queue, as ipcs(1) lists it.</summary>
    public int Id { get; }

    /// <summary>Its key, <c>0x2a</c>; null for a private queue.</summary>
    public string? Key => Status().Permissions.Key is var key and not 0 ? string.Create(CultureInfo.InvariantCulture, $"0x{key:x}") : null;

    /// <summary>How many messages are in the queue now.</summary>
    public long CurrentMessages => (long)Status().CurrentMessages;

    /// <summary>How many bytes of payload are in the queue now.</summary>
    public long CurrentBytes => (long)Status().CurrentBytes;

    /// <summary>How many bytes of payload, and how many messages, the queue holds before a sender waits (msg_qbytes). Its owner may set it
    /// up to kernel.msgmnb; more needs CAP_SYS_RESOURCE.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public long MaxBytes
    {
        get => (long)Status().MaxBytes;
        set
        {
            if (value < 1) throw IpcException.Argument($"The maximum size of a queue must be 1 byte or more; it is {value}.", Address.Text);
            Change((ref Libc.MessageQueueStatus status) => status.MaxBytes = (ulong)value);
        }
    }

    /// <summary>The largest message, in bytes: kernel.msgmax, or <see cref="MaxBytes"/> where that is less.</summary>
    public override long MaxMessageSize => Math.Min(SystemMaxMessageSize, TryGetMaxBytes() ?? long.MaxValue);

    /// <summary>The id of the process that sent last; null before the first message.</summary>
    public int? LastSenderId => Status().LastSender is var id and not 0 ? id : null;

    /// <summary>The id of the process that received last; null before that.</summary>
    public int? LastReceiverId => Status().LastReceiver is var id and not 0 ? ProcFile.ProcessOfThread(id) : null;

    /// <summary>When the last message was sent; null before the first message.</summary>
    public DateTime? LastSent => Time(Status().SendTime);

    /// <summary>When the last message was received; null before that.</summary>
    public DateTime? LastReceived => Time(Status().ReceiveTime);

    /// <summary>When the queue was created, or when its owner, mode or size last changed.</summary>
    public DateTime? Changed => Time(Status().ChangeTime);

    /// <inheritdoc/>
    public UnixFileMode Mode { get => Permissions.Mode; set => Permissions.Mode = value; }

    /// <inheritdoc/>
    public string Owner { get => Permissions.Owner; set => Permissions.Owner = value; }

    /// <inheritdoc/>
    public string Group { get => Permissions.Group; set => Permissions.Group = value; }

    private SysVPermissions Permissions => new(() => Status().Permissions,
        change => Change((ref Libc.MessageQueueStatus status) => change(ref status.Permissions)));

    /// <summary>The user that created it, who keeps an owner's rights.</summary>
    public string Creator => Accounts.UserName(Status().Permissions.CreatorUserId);

    // Read each time: the sysctl can change, and msgsnd(2) decides by its current value.
    private static long SystemMaxMessageSize => Sysctl.Read("kernel.msgmax") ?? 8192;

    private delegate void Edit(ref Libc.MessageQueueStatus status);

    /// <summary>The kernel binds nothing to this process: closing only ends its waits.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private static DateTime? Time(long seconds) => seconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds).LocalDateTime;

    private unsafe Libc.MessageQueueStatus Status()
    {
        ThrowIfClosed();
        Libc.MessageQueueStatus status;
        if (Libc.msgctl(Id, Libc.IPC_STAT, &status) == 0) return status;
        throw Failed("msgctl", Marshal.GetLastPInvokeError());
    }

    // Null where this user may only send: the status needs the permission to read.
    private unsafe long? TryGetMaxBytes()
    {
        Libc.MessageQueueStatus status;
        return Libc.msgctl(Id, Libc.IPC_STAT, &status) == 0 ? (long)status.MaxBytes : null;
    }

    private unsafe void Change(Edit edit)
    {
        var status = Status();
        var before = status.MaxBytes;
        edit(ref status);
        if (Libc.msgctl(Id, Libc.IPC_SET, &status) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.EPERM) throw Failed("msgctl", errno);
        if (status.MaxBytes > before && Sysctl.Read("kernel.msgmnb") is { } most && (long)status.MaxBytes > most)
        {
            throw new IpcException(IpcErrors.LimitReached,
                $"{status.MaxBytes} bytes are more than a queue may hold: kernel.msgmnb is {most}.", Address.Text,
                $"Ask for at most {most}, or raise the limit as root: sysctl kernel.msgmnb={status.MaxBytes}.")
            { Errno = errno, Call = "msgctl" };
        }
        throw IpcException.FromErrno("msgctl", errno, Address.Text, "Only its owner, its creator and root may change a queue.");
    }

    // The kernel says EIDRM to a thread that waits while the queue is removed, and EINVAL afterwards.
    private IpcException Failed(string call, int errno) =>
        errno == Errno.EIDRM || (errno == Errno.EINVAL && IsGone())
            ? new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text) { Errno = errno, Call = call }
            : IpcException.FromErrno(call, errno, Address.Text);

    private unsafe bool IsGone()
    {
        Libc.MessageQueueStatus status;
        return Libc.msgctl(Id, Libc.IPC_STAT, &status) != 0 && Marshal.GetLastPInvokeError() is Errno.EINVAL or Errno.EIDRM;
    }
}
