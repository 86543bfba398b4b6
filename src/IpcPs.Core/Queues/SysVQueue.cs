using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>A System V message queue (sysvipc(7)): whole messages, each with a type of 1 or more by which receivers choose, kept by the kernel until somebody
/// receives them, the machine restarts or the queue is removed.</summary>
/// <remarks>One queue serves both directions, or many clients, when each side receives its own type. A full queue (<see cref="MaxBytes"/>) makes senders
/// wait, a queue without a message of the wanted type receivers; nothing tells a receiver that no more will come. Removing the queue destroys
/// what is in it and wakes everybody with <see cref="IpcErrors.Removed"/>. It is no file: permissions are all that it shares with
/// one, and nothing but its removal ends it.
/// Calls: msgget(2), msgsnd(2), msgrcv(2), msgctl(2); a blocked one is interrupted by tgkill(2).</remarks>
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

    /// <summary>The kernel's id of it, as ipcs(1) lists it.</summary>
    public int Id { get; }

    /// <summary>Its key, <c>0x2a</c>; null of a private queue.</summary>
    public string? Key => Status().Permissions.Key is var key and not 0 ? string.Create(CultureInfo.InvariantCulture, $"0x{key:x}") : null;

    /// <summary>Messages that wait in it now.</summary>
    public long CurrentMessages => (long)Status().CurrentMessages;

    /// <summary>Bytes of payload that wait in it now.</summary>
    public long CurrentBytes => (long)Status().CurrentBytes;

    /// <summary>Bytes of payload that it holds before a sender waits (msg_qbytes), and as many messages. Its owner may lower it, and raise it up to
    /// kernel.msgmnb; beyond that CAP_SYS_RESOURCE is needed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public long MaxBytes
    {
        get => (long)Status().MaxBytes;
        set
        {
            if (value < 1) throw IpcException.Argument($"A queue holds at least one byte, and {value} was asked for.", Address.Text);
            Change((ref Libc.MessageQueueStatus status) => status.MaxBytes = (ulong)value);
        }
    }

    /// <summary>Bytes that one message may have: what kernel.msgmax allows, and no more than the queue holds.</summary>
    public override long MaxMessageSize => Math.Min(SystemMaxMessageSize, TryGetMaxBytes() ?? long.MaxValue);

    /// <summary>The process that sent last; null where none did.</summary>
    public int? LastSenderId => Status().LastSender is var id and not 0 ? id : null;

    /// <summary>The process that received last; null where none did.</summary>
    public int? LastReceiverId => Status().LastReceiver is var id and not 0 ? id : null;

    /// <summary>When a message was sent last; null where none was.</summary>
    public DateTime? LastSent => Time(Status().SendTime);

    /// <summary>When a message was received last; null where none was.</summary>
    public DateTime? LastReceived => Time(Status().ReceiveTime);

    /// <summary>When it was made, or its owner, mode or size changed.</summary>
    public DateTime? Changed => Time(Status().ChangeTime);

    /// <inheritdoc/>
    public UnixFileMode Mode
    {
        get => (UnixFileMode)(Status().Permissions.Mode & 0x1FF);
        set => Change((ref Libc.MessageQueueStatus status) => status.Permissions.Mode = (ushort)value);
    }

    /// <inheritdoc/>
    public string Owner
    {
        get => Accounts.UserName(Status().Permissions.UserId);
        set
        {
            var id = Accounts.UserId(value);
            Change((ref Libc.MessageQueueStatus status) => status.Permissions.UserId = id);
        }
    }

    /// <inheritdoc/>
    public string Group
    {
        get => Accounts.GroupName(Status().Permissions.GroupId);
        set
        {
            var id = Accounts.GroupId(value);
            Change((ref Libc.MessageQueueStatus status) => status.Permissions.GroupId = id);
        }
    }

    /// <summary>The user that made it, who keeps an owner's rights.</summary>
    public string Creator => Accounts.UserName(Status().Permissions.CreatorUserId);

    // Asked anew each time: the sysctl can change, and msgsnd(2) says the last word.
    private static long SystemMaxMessageSize => Sysctl.Read("kernel.msgmax") ?? 8192;

    private delegate void Edit(ref Libc.MessageQueueStatus status);

    /// <summary>Creates a queue. Its mode is as asked: System V objects know no umask.</summary>
    /// <param name="key">Its key; null for a private queue, found only by its id.</param>
    /// <param name="mode">Who may receive (read) and send (write).</param>
    /// <param name="maxBytes">Bytes of payload that it holds; null for kernel.msgmnb.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (names the limit),
    /// <see cref="IpcErrors.NotFound"/> (the file of a <c>/path#id</c> key), <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SysVQueue Create(SysVKey? key = null, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, long? maxBytes = null)
    {
        if (key is { Id: not null }) throw IpcException.Argument($"The kernel chooses the id of a queue; '{key}' can only be opened.", $"sysvmq:{key}");
        var number = key?.Resolve() ?? Libc.IPC_PRIVATE;
        var id = Libc.msgget(number, Libc.IPC_CREAT | Libc.IPC_EXCL | (int)mode);
        var address = key is null ? null : IpcAddress.Parse($"sysvmq:{key}");
        if (id < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), address?.Text);
        var queue = new SysVQueue(address ?? IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"sysvmq:id={id}")), id, IpcAccess.ReadWrite);
        if (maxBytes is not { } bytes) return queue;
        try
        {
            queue.MaxBytes = bytes;
            return queue;
        }
        catch
        {
            RemoveId(id, queue.Address);
            throw;
        }
    }

    /// <summary>Opens a queue that exists.</summary>
    /// <param name="address">Its address, <c>sysvmq:KEY</c>.</param>
    /// <param name="access">What for: only an intention, which the kernel checks with each message.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static SysVQueue OpenExisting(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new SysVQueue(address, FindId(address), access);
    }

    /// <summary>Takes a queue off the machine, with the messages in it; whoever waits on it is told.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        RemoveId(FindId(address), address);
    }

    /// <summary>Whether a queue exists at an address.</summary>
    internal static bool Exists(IpcAddress address)
    {
        try
        {
            FindId(address);
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            return false;
        }
    }

    /// <summary>Nothing in the kernel is bound to this process: closing only ends its waits.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private static unsafe int FindId(IpcAddress address)
    {
        if (address.Key!.Id is { } known)
        {
            Libc.MessageQueueStatus status;
            // A queue that may be sent to and not read has no status to show, and exists.
            return Libc.msgctl(known, Libc.IPC_STAT, &status) == 0 || Marshal.GetLastPInvokeError() == Errno.EACCES ? known
                : throw IpcException.FromErrno("msgctl", Errno.ENOENT, address.Text);
        }
        var id = Libc.msgget(address.Key.Resolve(), 0);
        return id >= 0 ? id : throw IpcException.FromErrno("msgget", Marshal.GetLastPInvokeError(), address.Text);
    }

    private static unsafe void RemoveId(int id, IpcAddress address)
    {
        if (Libc.msgctl(id, Libc.IPC_RMID, null) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        throw errno is Errno.EINVAL or Errno.EIDRM ? IpcException.FromErrno("msgctl", Errno.ENOENT, address.Text)
            : IpcException.FromErrno("msgctl", errno, address.Text, "Only its owner, its creator and root may remove a queue.");
    }

    private static DateTime? Time(long seconds) => seconds == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds).LocalDateTime;

    private static IpcException CreateFailed(int errno, string? target) => errno switch
    {
        Errno.ENOSPC => new IpcException(IpcErrors.LimitReached, $"As many System V queues exist as kernel.msgmni allows: {Sysctl.Describe("kernel.msgmni")}.", target,
            "Remove some, or raise it as root: sysctl kernel.msgmni=….")
        { Errno = errno, Call = "msgget", Advice = IpcAdvice.RemoveUnused },
        _ => IpcException.FromErrno("msgget", errno, target),
    };

    private unsafe Libc.MessageQueueStatus Status()
    {
        ThrowIfClosed();
        Libc.MessageQueueStatus status;
        if (Libc.msgctl(Id, Libc.IPC_STAT, &status) == 0) return status;
        throw Failed("msgctl", Marshal.GetLastPInvokeError());
    }

    // Who may send and not receive may not ask either.
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
        if (errno == Errno.EPERM && status.MaxBytes > before && Sysctl.Read("kernel.msgmnb") is { } most && (long)status.MaxBytes > most)
        {
            throw new IpcException(IpcErrors.LimitReached, $"{status.MaxBytes} bytes are more than a queue may hold: kernel.msgmnb is {most}.", Address.Text,
                $"Ask for at most {most}, or raise it as root: sysctl kernel.msgmnb={status.MaxBytes}.")
            { Errno = errno, Call = "msgctl" };
        }
        throw errno == Errno.EPERM ? IpcException.FromErrno("msgctl", errno, Address.Text, "Only its owner, its creator and root may change a queue.") : Failed("msgctl", errno);
    }

    /// <summary>What an errno of a call on this queue means: the kernel says EIDRM while one waits, EINVAL after.</summary>
    internal IpcException Failed(string call, int errno) =>
        errno == Errno.EIDRM || (errno == Errno.EINVAL && IsGone())
            ? new IpcException(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text) { Errno = errno, Call = call }
            : IpcException.FromErrno(call, errno, Address.Text);

    private unsafe bool IsGone()
    {
        Libc.MessageQueueStatus status;
        return Libc.msgctl(Id, Libc.IPC_STAT, &status) != 0 && Marshal.GetLastPInvokeError() is Errno.EINVAL or Errno.EIDRM;
    }
}
