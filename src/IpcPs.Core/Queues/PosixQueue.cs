using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>A POSIX message queue (mq_overview(7)): whole messages, the highest priority first and in order within one, kept by the kernel until
/// somebody receives them, the machine restarts or the queue is removed.</summary>
/// <remarks>A full queue makes senders wait, an empty one receivers; nothing tells a receiver that no more will come. Any number of processes send and
/// receive; each message goes to one of them. How many messages it holds and how long they may be is fixed when it is made, within
/// fs.mqueue.msg_max (10 by default), fs.mqueue.msgsize_max (8192) and RLIMIT_MSGQUEUE. The kernel lets processes that have a removed queue
/// open go on using it; here whoever waits on it gets <see cref="IpcErrors.Removed"/>, who receives gets what it holds before that, and
/// from the second message that a process sends on, sending fails. Use a <see cref="SysVQueue"/> for types instead of priorities and for
/// many messages without privileges.
/// Calls: mq_open(3), mq_send(3), mq_receive(3), mq_getattr(3), ppoll(2), inotify_add_watch(2), fchmod(2), fchown(2).</remarks>
public sealed class PosixQueue : MessageChannel, IIpcPermissions
{
    /// <summary>The highest priority, sysconf(_SC_MQ_PRIO_MAX) - 1.</summary>
    public const int HighestPriority = 32767;

    private readonly SafeDescriptor _queue;
    private readonly IpcAccess _access;
    private readonly bool _isUnnamed;
    private readonly object _watchLock = new();
    private RemovalWatch? _watch;
    private CancellationTokenSource? _over;
    private bool _hasSent;
    // A queue of few messages has nothing left by the time that a sleeper is awake: here a stream too is better read without sleeping.
    private AdaptiveWait _receiveSpin;

    private unsafe PosixQueue(IpcAddress address, SafeDescriptor queue, IpcAccess access, bool isUnnamed = false) : base(address, receivesOneByOne: false)
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

    /// <summary>Messages that it holds before a sender waits.</summary>
    public long MaxMessages { get; }

    /// <summary>Bytes that one message may have.</summary>
    public override long MaxMessageSize { get; }

    /// <summary>Messages that wait in it now.</summary>
    public long CurrentMessages => GetAttributes().CurrentMessages;

    /// <summary>Whether it has been removed; it goes on existing for the processes that have it open.</summary>
    public bool IsRemoved => FileStatus.Of(Open, Address.Text).Links == 0;

    /// <inheritdoc/>
    public UnixFileMode Mode
    {
        get => FileStatus.Of(Open, Address.Text).Mode;
        set => FilePermissions.SetMode(Open, value, Address.Text);
    }

    /// <inheritdoc/>
    public string Owner
    {
        get => FileStatus.Of(Open, Address.Text).Owner;
        set => FilePermissions.SetOwner(Open, value, Address.Text);
    }

    /// <inheritdoc/>
    public string Group
    {
        get => FileStatus.Of(Open, Address.Text).Group;
        set => FilePermissions.SetGroup(Open, value, Address.Text);
    }

    private SafeDescriptor Open
    {
        get
        {
            ThrowIfClosed();
            return _queue;
        }
    }

    /// <summary>Creates a queue. Its mode is as asked, whatever the umask.</summary>
    /// <param name="address">Its address, <c>mq:/NAME</c>.</param>
    /// <param name="maxMessages">Messages that it holds; null for fs.mqueue.msg_default (10).</param>
    /// <param name="maxMessageSize">Bytes that one message may have; null for fs.mqueue.msgsize_default (8192).</param>
    /// <param name="mode">Who may receive (read) and send (write).</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (names the limit),
    /// <see cref="IpcErrors.InvalidArgument"/>, <see cref="IpcErrors.PlatformNotSupported"/> (a kernel without queues).</exception>
    public static PosixQueue Create(IpcAddress address, long? maxMessages = null, long? maxMessageSize = null, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var queue = PosixQueueOpening.Create(address, maxMessages, maxMessageSize, mode);
        return new PosixQueue(address, queue, IpcAccess.ReadWrite);
    }

    /// <summary>Opens a queue that exists.</summary>
    /// <param name="address">Its address, <c>mq:/NAME</c>.</param>
    /// <param name="access">What for; Default for all that its mode allows this user.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static PosixQueue OpenExisting(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        var queue = PosixQueueOpening.Open(address, ref access);
        return new PosixQueue(address, queue, access);
    }

    /// <summary>Creates a queue that nobody can find: it is gone with the last process that has it open, however that ends.</summary>
    /// <param name="address">What it is called while it is made, and in errors.</param>
    internal static PosixQueue CreateUnnamed(IpcAddress address)
    {
        var queue = PosixQueueOpening.Create(address, null, null, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _ = Libc.mq_unlink("/" + address.Name);
        return new PosixQueue(address, queue, IpcAccess.ReadWrite, isUnnamed: true);
    }

    /// <summary>Makes a queue of a descriptor of one that nobody can find.</summary>
    internal static PosixQueue OfUnnamed(IpcAddress address, SafeDescriptor queue, IpcAccess access) => new(address, queue, access, isUnnamed: true);

    /// <summary>Takes a queue off the machine: whoever waits on it is told, its name is free at once.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (Libc.mq_unlink("/" + address.Name) != 0) throw IpcException.FromErrno("mq_unlink", Marshal.GetLastPInvokeError(), address.Text);
        RemovalWatch.CheckAll();
    }

    /// <inheritdoc/>
    public override SafeHandle? HandleToPass => _queue;

    /// <summary>Makes a queue of a descriptor that was inherited or received; null where it is none.</summary>
    internal static unsafe PosixQueue? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        Libc.MqAttributes attributes;
        if (info.FileType != Libc.S_IFREG || Libc.mq_getattr(descriptor, &attributes) != 0) return null;
        const string Deleted = " (deleted)";
        var link = info.Link.EndsWith(Deleted, StringComparison.Ordinal) ? info.Link[..^Deleted.Length] : info.Link;
        var address = IpcAddress.TryParse("mq:" + link, out var named) ? named! : known ?? IpcAddress.OfDescriptor(IpcScheme.Fd, 0, descriptor.Number);
        return new PosixQueue(address, PosixQueueOpening.WithoutBlocking(descriptor, info.Access), access == IpcAccess.Default ? info.Access : access);
    }

    /// <inheritdoc/>
    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => Open;

    /// <inheritdoc/>
    internal override CancellationToken Ending
    {
        get
        {
            Watch();
            return Over;
        }
    }

    /// <inheritdoc/>
    private protected override (string?, IpcAdvice) TooLargeHint =>
        ($"The maximum message size was fixed when the queue was created. The limit of it is fs.mqueue.msgsize_max, which is {Sysctl.Describe("fs.mqueue.msgsize_max")} ('sysctl fs.mqueue.msgsize_max=…' raises it). An Object may be larger: it travels through shared memory.", IpcAdvice.SetMaxMessageSize);

    /// <inheritdoc/>
    private protected override unsafe void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        var priority = PriorityOf(options);
        // The kernel would take messages for a removed queue that nobody can find any more. Who sends but once has just looked it up.
        if (_hasSent && Watch() is { IsRemoved: true }) throw WasRemoved();
        _hasSent = true;
        fixed (byte* first = packet)
        {
            var attempt = new SendAttempt(_queue, Address, first, packet.Length, priority);
            if (!Until(ref attempt, forRoom: true, wait))
                throw IpcException.TimedOut($"room on '{Address}'", Address.Text, wait.Deadline, IpcErrors.QueueFull);
        }
    }

    /// <inheritdoc/>
    private protected override unsafe bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        if (options.Type is not null || options.ExceptType || options.Peek)
            throw new IpcException(IpcErrors.NotSupported, "A POSIX message queue has priorities, not types, and the kernel lets nobody look at a message without taking it.", Address.Text) { Advice = IpcAdvice.UseSysVQueue };
        var room = message.Reserve((int)MaxMessageSize);
        fixed (byte* first = room)
        {
            var attempt = new ReceiveAttempt(_queue, Address, first, room.Length);
            if (!Until(ref attempt, forRoom: false, wait))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            message.Length = attempt.Length;
            message.Priority = attempt.Priority;
            return true;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_watchLock) _watch?.Dispose();
        _queue.Dispose();
    }

    private int PriorityOf(in SendOptions options)
    {
        if (options.Type != 0) throw new IpcException(IpcErrors.NotSupported, "A POSIX message queue has priorities, not types.", Address.Text,
            "Send with a priority, or use a System V queue.") { Advice = IpcAdvice.UsePriorityOrSysVQueue };
        if (options.Handles is not null) throw NoDescriptors(Address);
        var priority = options.Priority ?? 0;
        return priority is >= 0 and <= HighestPriority ? priority : throw IpcException.Argument($"A priority is 0 to {HighestPriority}, and this one is {priority}.", Address.Text);
    }

    /// <summary>Tries, then waits, on the queue itself; ends when the queue is removed or closed.</summary>
    private bool Until<T>(ref T attempt, bool forRoom, in WaitOptions wait)
        where T : struct, IAttempt
    {
        try
        {
            return (forRoom ? attempt.TryOnce() : Waiter.TryFirst(ref attempt, ref _receiveSpin)) || UntilSlow(ref attempt, forRoom, wait);
        }
        catch (Exception e) when (IsClosed && e is ObjectDisposedException or IpcException { Errno: Errno.EBADF })
        {
            throw WasClosed();
        }
    }

    private bool UntilSlow<T>(ref T attempt, bool forRoom, in WaitOptions wait)
        where T : struct, IAttempt
    {
        try
        {
            if (wait.Deadline.IsImmediate)
            {
                Waiter.ThrowIfOver(wait.Cancellation, Over);
                return false;
            }
            // From the first wait on a removal has to be noticed.
            Watch();
            return forRoom
                ? Waiter.UntilRoomSlow(ref attempt, _queue, wait, Over)
                : Waiter.UntilSlow(ref attempt, _queue, ref _receiveSpin, wait, Over);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Closed && !IsClosed)
        {
            // Removed. What came just before is still to be had; sending to it would be for nobody.
            if (!forRoom && attempt.TryOnce()) return true;
            throw WasRemoved();
        }
    }

    private CancellationToken Over => _over?.Token ?? Closing;

    // One without a name can't be removed.
    private RemovalWatch? Watch() => _isUnnamed ? null : _watch ?? StartWatch();

    private RemovalWatch StartWatch()
    {
        lock (_watchLock)
        {
            ThrowIfClosed();
            if (_watch is not null) return _watch;
            var watch = new RemovalWatch(_queue);
            _over = CancellationTokenSource.CreateLinkedTokenSource(Closing, watch.Removed);
            return _watch = watch;
        }
    }

    private IpcException WasRemoved() => new(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text);

    private unsafe Libc.MqAttributes GetAttributes()
    {
        Libc.MqAttributes attributes;
        return Libc.mq_getattr(Open, &attributes) == 0 ? attributes : throw IpcException.FromErrno("mq_getattr", Marshal.GetLastPInvokeError(), Address.Text);
    }

    private readonly unsafe struct SendAttempt(SafeDescriptor queue, IpcAddress address, byte* bytes, int length, int priority) : IAttempt
    {
        public bool TryOnce()
        {
            if (Libc.mq_send(queue, bytes, (nuint)length, (uint)priority) == 0) return true;
            var errno = Marshal.GetLastPInvokeError();
            return errno is Errno.EAGAIN or Errno.EINTR ? false : throw IpcException.FromErrno("mq_send", errno, address.Text);
        }
    }

    private unsafe struct ReceiveAttempt(SafeDescriptor queue, IpcAddress address, byte* into, int room) : IAttempt
    {
        public int Length { get; private set; }
        public int Priority { get; private set; }

        public bool TryOnce()
        {
            uint priority;
            var length = Libc.mq_receive(queue, into, (nuint)room, &priority);
            if (length < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                return errno is Errno.EAGAIN or Errno.EINTR ? false : throw IpcException.FromErrno("mq_receive", errno, address.Text);
            }
            Length = (int)length;
            Priority = (int)priority;
            return true;
        }
    }
}
