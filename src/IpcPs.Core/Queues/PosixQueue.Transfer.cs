using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <content>Sending, receiving and waiting. A thread blocks in ppoll(2) on the queue's descriptor: see <see cref="Waiter"/>.</content>
public sealed partial class PosixQueue
{
    private readonly object _watchLock = new();
    private RemovalWatch? _watch;
    private CancellationTokenSource? _closedOrRemoved;
    private bool _hasSent;
    // Spins for streams of messages too: the queue holds few, and would be empty before a sleeping receiver is awake.
    private AdaptiveWait _receiveSpin;

    /// <inheritdoc/>
    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => Open;

    /// <inheritdoc/>
    internal override CancellationToken Ending
    {
        get
        {
            Watch();
            return ClosedOrRemoved;
        }
    }

    /// <inheritdoc/>
    private protected override bool OutlivesEnds => true;

    private protected override (string?, IpcAdvice) TooLargeHint =>
        ("The maximum message size was fixed when the queue was created. Its limit is fs.mqueue.msgsize_max, which is "
        + $"{Sysctl.Describe("fs.mqueue.msgsize_max")} ('sysctl fs.mqueue.msgsize_max=…' raises it). An Object may be larger: it travels "
        + "through shared memory.", IpcAdvice.SetMaxMessageSize);

    /// <inheritdoc/>
    private protected override unsafe void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        var priority = PriorityOf(options);
        // The kernel accepts messages for a removed queue, which no process can find any more. The first send needs no watch: the queue
        // was opened by its name just before.
        if (_hasSent && Watch() is { IsRemoved: true }) throw WasRemoved();
        _hasSent = true;
        fixed (byte* first = packet)
        {
            var attempt = new SendAttempt(_queue, Address, first, packet.Length, priority);
            if (!TryOrWait(ref attempt, isSend: true, wait))
                throw IpcException.TimedOut($"buffer space on '{Address}'", Address.Text, wait.Deadline, IpcErrors.QueueFull);
        }
    }

    /// <inheritdoc/>
    private protected override unsafe bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        if (options.Type is not null || options.ExceptType || options.Peek)
        {
            throw new IpcException(IpcErrors.NotSupported,
                "A POSIX message queue has priorities instead of types, and its messages cannot be looked at without receiving them.",
                Address.Text)
            { Advice = IpcAdvice.UseSysVQueue };
        }
        var buffer = message.Reserve((int)MaxMessageSize);
        fixed (byte* first = buffer)
        {
            var attempt = new ReceiveAttempt(_queue, Address, first, buffer.Length);
            if (!TryOrWait(ref attempt, isSend: false, wait))
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            message.Length = attempt.Length;
            message.Priority = attempt.Priority;
            return true;
        }
    }

    private int PriorityOf(in SendOptions options)
    {
        if (options.Type != 0)
        {
            throw new IpcException(IpcErrors.NotSupported, "A POSIX message queue has priorities, not types.", Address.Text,
                "Send with a priority, or use a System V queue.")
            { Advice = IpcAdvice.UsePriorityOrSysVQueue };
        }
        if (options.Handles is not null) throw NoDescriptors(Address);
        var priority = options.Priority ?? 0;
        return priority is >= 0 and <= HighestPriority ? priority
            : throw IpcException.Argument($"A priority is 0 to {HighestPriority}, and this one is {priority}.", Address.Text);
    }

    /// <summary>Tries once, then waits until the kernel can do it. Ends when the queue is closed or removed.</summary>
    /// <returns>False when the deadline passed.</returns>
    private bool TryOrWait<T>(ref T attempt, bool isSend, in WaitOptions wait)
        where T : struct, IAttempt
    {
        try
        {
            return (isSend ? attempt.TryOnce() : Waiter.TryFirst(ref attempt, ref _receiveSpin)) || Wait(ref attempt, isSend, wait);
        }
        catch (Exception e) when (IsClosed && e is ObjectDisposedException or IpcException { Errno: Errno.EBADF })
        {
            throw WasClosed();
        }
    }

    private bool Wait<T>(ref T attempt, bool isSend, in WaitOptions wait)
        where T : struct, IAttempt
    {
        try
        {
            if (wait.Deadline.IsImmediate)
            {
                Waiter.ThrowIfOver(wait.Cancellation, ClosedOrRemoved);
                return false;
            }
            // ppoll(2) does not report the removal of a queue.
            Watch();
            return isSend
                ? Waiter.UntilWritableSlow(ref attempt, _queue, wait, ClosedOrRemoved)
                : Waiter.UntilSlow(ref attempt, _queue, ref _receiveSpin, wait, ClosedOrRemoved);
        }
        catch (IpcException e) when (e.Id == IpcErrors.Closed && !IsClosed)
        {
            // Removed. A message that arrived just before can still be received. One that is sent now would reach no process.
            if (!isSend && attempt.TryOnce()) return true;
            throw WasRemoved();
        }
    }

    private CancellationToken ClosedOrRemoved => _closedOrRemoved?.Token ?? Closing;

    // A queue without a name can't be removed.
    private RemovalWatch? Watch() => _isUnnamed ? null : _watch ?? StartWatch();

    private RemovalWatch StartWatch()
    {
        lock (_watchLock)
        {
            ThrowIfClosed();
            if (_watch is not null) return _watch;
            var watch = new RemovalWatch(_queue);
            _closedOrRemoved = CancellationTokenSource.CreateLinkedTokenSource(Closing, watch.Removed);
            return _watch = watch;
        }
    }

    private IpcException WasRemoved() => new(IpcErrors.Removed, $"'{Address}' was removed.", Address.Text);

    private readonly unsafe struct SendAttempt(SafeDescriptor queue, IpcAddress address, byte* bytes, int length, int priority) : IAttempt
    {
        public bool TryOnce()
        {
            if (Libc.mq_send(queue, bytes, (nuint)length, (uint)priority) == 0) return true;
            var errno = Marshal.GetLastPInvokeError();
            return errno is Errno.EAGAIN or Errno.EINTR ? false : throw IpcException.FromErrno("mq_send", errno, address.Text);
        }
    }

    private unsafe struct ReceiveAttempt(SafeDescriptor queue, IpcAddress address, byte* buffer, int size) : IAttempt
    {
        public int Length { get; private set; }
        public int Priority { get; private set; }

        public bool TryOnce()
        {
            uint priority;
            var length = Libc.mq_receive(queue, buffer, (nuint)size, &priority);
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
