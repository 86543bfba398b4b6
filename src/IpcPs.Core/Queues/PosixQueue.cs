using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Queues;

/// <summary>A POSIX message queue (mq_overview(7)). The kernel keeps its messages until they are received, the queue is removed or the
/// machine restarts. The highest priority is received first; messages of one priority keep their order.</summary>
/// <remarks>Senders wait while the queue is full, receivers while it is empty. A receiver does not learn that the last sender has exited.
/// Any number of processes send and receive; each message goes to one of them. The number of messages and their size are fixed when the
/// queue is created, within fs.mqueue.msg_max (10 by default), fs.mqueue.msgsize_max (8192) and RLIMIT_MSGQUEUE.
/// The kernel lets a process go on using a removed queue that it has open. Here, a wait on a removed queue ends with
/// <see cref="IpcErrors.Removed"/> after the messages that are left were received, and so does each send but a process's first.
/// Use a <see cref="SysVQueue"/> for types instead of priorities, and for many messages without privileges.
/// Calls: mq_open(3), mq_send(3), mq_receive(3), mq_getattr(3), ppoll(2), inotify_add_watch(2), fchmod(2), fchown(2).</remarks>
public sealed partial class PosixQueue : MessageChannel, IIpcPermissions
{
    /// <summary>The highest priority, sysconf(_SC_MQ_PRIO_MAX) - 1.</summary>
    public const int HighestPriority = 32767;

    private readonly SafeDescriptor _queue;
    private readonly IpcAccess _access;
    private readonly bool _isUnnamed;

    private PosixQueue(IpcAddress address, SafeDescriptor queue, IpcAccess access, bool isUnnamed = false)
        : base(address, receivesOneByOne: false)
    {
        _queue = queue;
        _access = access;
        _isUnnamed = isUnnamed;
        var attributes = GetAttributes();
        MaxMessages = attributes.MaxMessages;
        MaxMessageSize = attributes.MaxMessageSize;
    }

    /// <inheritdoc/>
    public override string Kind => "POSIX message queue";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && _access.HasFlag(IpcAccess.Write);

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && _access.HasFlag(IpcAccess.Read);

    /// <summary>How many messages the queue holds before a sender waits.</summary>
    public long MaxMessages { get; }

    /// <summary>The largest message, in bytes.</summary>
    public override long MaxMessageSize { get; }

    /// <summary>How many messages are in the queue now.</summary>
    public long CurrentMessages => GetAttributes().CurrentMessages;

    /// <summary>Whether the queue was removed. It exists until the last process closes it.</summary>
    public bool IsRemoved => FileStatus.Of(Open, Address.Text).Links == 0;

    /// <inheritdoc/>
    public UnixFileMode Mode { get => Permissions.Mode; set => Permissions.Mode = value; }

    /// <inheritdoc/>
    public string Owner { get => Permissions.Owner; set => Permissions.Owner = value; }

    /// <inheritdoc/>
    public string Group { get => Permissions.Group; set => Permissions.Group = value; }

    private FilePermissions Permissions => new(Open, Address.Text);

    private SafeDescriptor Open
    {
        get
        {
            ThrowIfClosed();
            return _queue;
        }
    }

    /// <inheritdoc/>
    public override SafeHandle? HandleToPass => _queue;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_watchLock) _watch?.Dispose();
        _queue.Dispose();
    }

    private unsafe Libc.MqAttributes GetAttributes()
    {
        Libc.MqAttributes attributes;
        if (Libc.mq_getattr(Open, &attributes) == 0) return attributes;
        throw IpcException.FromErrno("mq_getattr", Marshal.GetLastPInvokeError(), Address.Text);
    }
}
