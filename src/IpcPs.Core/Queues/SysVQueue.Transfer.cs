using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <content>Sending, receiving and peeking. The queue has no descriptor to poll, so a thread blocks in msgsnd(2) or msgrcv(2) itself: in
/// the two <c>TryOrBlock</c> and in <see cref="BlockUntilOneIsThere"/>.</content>
public sealed partial class SysVQueue
{
    /// <summary>The type of a message that is sent without one.</summary>
    private const long DefaultType = 1;

    // struct msgbuf: the type, a long, and then the bytes.
    private const int TypeSize = 8;

    // The first buffer holds the largest message by the default of kernel.msgmax.
    private const int FirstBufferSize = TypeSize + 8192;

    private AdaptiveWait _receiveSpin = AdaptiveWait.InConversations;
    private long _knownToFit;

    /// <inheritdoc/>
    private protected override bool OutlivesEnds => true;

    private protected override (string?, IpcAdvice) TooLargeHint =>
        ($"A message has at most kernel.msgmax bytes, which is {Sysctl.Describe("kernel.msgmax")} ('sysctl kernel.msgmax=…' raises it), "
        + $"and at most as many as the queue holds{(TryGetMaxBytes() is { } bytes ? $", which is {bytes}" : "")}. An Object may be larger: "
        + "it travels through shared memory.", IpcAdvice.SetMaxBytes);

    /// <inheritdoc/>
    [SkipLocalsInit]
    private protected override unsafe void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        if (options.Priority is not null)
        {
            throw new IpcException(IpcErrors.NotSupported, "A System V message queue has types, not priorities.", Address.Text,
                "Send with a type, and receive with a negative type, which takes the lowest type first; or use a POSIX queue.")
            { Advice = IpcAdvice.UseTypeOrPosixQueue };
        }
        if (options.Handles is not null) throw NoDescriptors(Address);
        var type = options.Type == 0 ? DefaultType : options.Type;
        if (type < 1) throw IpcException.Argument($"A message type is 1 or more, and this one is {type}.", Address.Text);
        const int OnStack = 1024;
        var size = TypeSize + packet.Length;
        var rented = size > OnStack ? ArrayPool<byte>.Shared.Rent(size) : null;
        var message = rented is null ? stackalloc byte[OnStack] : rented;
        try
        {
            packet.CopyTo(message[TypeSize..]);
            fixed (byte* first = message)
            {
                *(long*)first = type;
                Send(first, packet.Length, wait);
            }
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <inheritdoc/>
    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        var type = options.Type ?? 0;
        CheckTypes(type, options.ExceptType);
        if (options.Peek) Peek(message, type, options.ExceptType, wait);
        else Receive(message, (nint)type, options.ExceptType ? Libc.MSG_EXCEPT : 0, wait);
        return true;
    }

    private void CheckTypes(long type, bool except)
    {
        if (except && type < 1) throw IpcException.Argument("ExceptType needs a Type of 1 or more.", Address.Text);
        if (type == long.MinValue) throw IpcException.Argument($"A negative message type is at least -{long.MaxValue}.", Address.Text);
    }

    /// <inheritdoc/>
    private protected override bool Selects(MessageBuffer message, in ReceiveOptions options)
    {
        var (type, wanted) = (message.Type ?? 0, options.Type ?? 0);
        return wanted < 0 ? type <= -wanted : wanted == 0 || (type == wanted) != options.ExceptType;
    }

    /// <summary>Reads the sysctl and the queue's status only for a message that is larger than all before it.</summary>
    private protected override bool Exceeds(long size)
    {
        if (size <= _knownToFit) return false;
        _knownToFit = Math.Min(SystemMaxMessageSize, TryGetMaxBytes() ?? long.MaxValue);
        return size > _knownToFit;
    }

    private unsafe void Send(byte* message, int length, in WaitOptions wait)
    {
        var attempt = new SendAttempt(Id, message, length);
        var errno = TryOrBlock(ref attempt, wait);
        if (errno == 0) return;
        if (errno is Errno.ETIMEDOUT or Errno.EAGAIN)
            throw IpcException.TimedOut($"buffer space on '{Address}'", Address.Text, wait.Deadline, IpcErrors.QueueFull);
        // The limits may have been lowered since they were read.
        _knownToFit = 0;
        throw errno == Errno.EINVAL && Exceeds(length) ? TooLarge(length) : Failed("msgsnd", errno);
    }

    private unsafe void Receive(MessageBuffer message, nint type, int flags, in WaitOptions wait)
    {
        var size = FirstBufferSize;
        while (true)
        {
            var buffer = message.Reserve(size);
            fixed (byte* first = buffer)
            {
                var attempt = new ReceiveAttempt(Id, first, buffer.Length - TypeSize, type, flags);
                var errno = TryOrBlock(ref attempt, wait);
                if (errno == 0)
                {
                    Describe(message, first, attempt.Length);
                    return;
                }
                if (errno is Errno.ETIMEDOUT or Errno.ENOMSG) throw NoMessage(wait);
                // E2BIG: the message stays in the queue, and needs a larger buffer.
                if (errno != Errno.E2BIG) throw Failed("msgrcv", errno);
                size = checked(buffer.Length * 2);
            }
        }
    }

    /// <summary>Tries once, then blocks in msgsnd(2). It does not spin, for the reason that <see cref="Waiter.UntilWritable"/>
    /// gives.</summary>
    /// <returns>0, or the errno: ETIMEDOUT when the deadline passed; EAGAIN where it would block and may not.</returns>
    private int TryOrBlock(ref SendAttempt attempt, in WaitOptions wait)
    {
        if (attempt.TryOnce()) return attempt.Errno;
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        return wait.Deadline.IsImmediate ? attempt.Errno : InterruptibleCall.Invoke<SendAttempt, int>(ref attempt, out _, wait, Closing);
    }

    /// <summary>Tries once, spins for as long as that pays, then blocks in msgrcv(2).</summary>
    /// <returns>0, or the errno: ETIMEDOUT when the deadline passed; ENOMSG where it would block and may not.</returns>
    private int TryOrBlock(ref ReceiveAttempt attempt, in WaitOptions wait)
    {
        if (Waiter.TryFirst(ref attempt, ref _receiveSpin)) return attempt.Errno;
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        if (wait.Deadline.IsImmediate) return attempt.Errno;
        if (Waiter.Spin(ref attempt, ref _receiveSpin)) return attempt.Errno;
        var blockedAt = Stopwatch.GetTimestamp();
        var errno = InterruptibleCall.Invoke<ReceiveAttempt, int>(ref attempt, out _, wait, Closing);
        _receiveSpin.Blocked(Stopwatch.GetTimestamp() - blockedAt);
        return errno;
    }

    /// <summary>Copies the message that a receive of the same type would take (MSG_COPY of msgrcv(2)), and leaves it in the queue. Waits
    /// for one where the deadline allows.</summary>
    private void Peek(MessageBuffer message, long type, bool except, in WaitOptions wait)
    {
        while (!TryPeek(message, type, except))
        {
            if (wait.Deadline.IsImmediate) throw NoMessage(wait);
            if (BlockUntilOneIsThere(message, type, except, wait)) return;
        }
    }

    // The kernel copies by position, whatever the type. So this compares the types, from the first message on.
    private bool TryPeek(MessageBuffer message, long type, bool except)
    {
        var (best, bestType) = (-1, long.MaxValue);
        for (var position = 0; TryCopy(message, position); position++)
        {
            var found = message.Type!.Value;
            if (type >= 0)
            {
                if (type == 0 || (found == type) != except) return true;
            }
            else if (found <= -type && found < bestType)
            {
                (best, bestType) = (position, found);
            }
        }
        if (best < 0) return false;
        // A receiver may have taken an earlier message, so that another one has this position: then it begins again.
        return (TryCopy(message, best) && message.Type == bestType) || TryPeek(message, type, except);
    }

    private unsafe bool TryCopy(MessageBuffer message, int position)
    {
        var size = FirstBufferSize;
        while (true)
        {
            var buffer = message.Reserve(size);
            fixed (byte* first = buffer)
            {
                var attempt = new ReceiveAttempt(Id, first, buffer.Length - TypeSize, position, Libc.MSG_COPY);
                if (!attempt.TryOnce()) return false;
                switch (attempt.Errno)
                {
                    case 0:
                        Describe(message, first, attempt.Length);
                        return true;
                    case Errno.E2BIG:
                        size = checked(buffer.Length * 2);
                        break;
                    case Errno.ENOSYS:
                        throw new IpcException(IpcErrors.PlatformNotSupported, "This kernel cannot peek at a System V queue: it was built "
                            + "without CONFIG_CHECKPOINT_RESTORE, which MSG_COPY of msgrcv(2) needs.", Address.Text,
                            "Receive the message, and send it again if it should stay in the queue.")
                        { Errno = Errno.ENOSYS, Call = "msgrcv" };
                    default:
                        throw Failed("msgrcv", attempt.Errno);
                }
            }
        }
    }

    /// <summary>Waits for a message to peek at. MSG_COPY never waits; but msgrcv(2) with a buffer of 0 bytes waits for a message of the
    /// type, fails with E2BIG, and leaves it in the queue.</summary>
    /// <returns>True where the message is empty, and so was received after all. It is then sent again, behind the others.</returns>
    private unsafe bool BlockUntilOneIsThere(MessageBuffer message, long type, bool except, in WaitOptions wait)
    {
        long found;
        var attempt = new ReceiveAttempt(Id, (byte*)&found, 0, (nint)type, except ? Libc.MSG_EXCEPT : 0);
        var errno = InterruptibleCall.Invoke<ReceiveAttempt, int>(ref attempt, out _, wait, Closing);
        switch (errno)
        {
            case Errno.E2BIG:
                return false;
            case Errno.ETIMEDOUT:
                throw NoMessage(wait);
            case 0:
                Send([], new SendOptions { Type = found });
                message.Reserve(TypeSize);
                message.Length = 0;
                message.Type = found;
                return true;
            default:
                throw Failed("msgrcv", errno);
        }
    }

    private IpcException NoMessage(in WaitOptions wait) =>
        IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);

    /// <summary>Sets type and payload from what msgrcv(2) left in the message's buffer.</summary>
    private static unsafe void Describe(MessageBuffer message, byte* first, int length)
    {
        message.Type = *(long*)first;
        message.Length = TypeSize + length;
        message.Skip(TypeSize);
    }

    private unsafe struct SendAttempt(int id, byte* message, int length) : IAttempt, IBlockingCall<int>
    {
        public int Errno { get; private set; }

        public bool TryOnce() => Call(Libc.IPC_NOWAIT) != Linux.Errno.EAGAIN;

        public int Invoke(out int result)
        {
            result = 0;
            return Call(0);
        }

        private int Call(int flags) => Errno = Libc.msgsnd(id, message, (nuint)length, flags) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private unsafe struct ReceiveAttempt(int id, byte* message, int size, nint type, int flags) : IAttempt, IBlockingCall<int>
    {
        public int Errno { get; private set; }

        public int Length { get; private set; }

        public bool TryOnce() => Call(flags | Libc.IPC_NOWAIT) != Linux.Errno.ENOMSG;

        public int Invoke(out int result)
        {
            var errno = Call(flags);
            result = Length;
            return errno;
        }

        private int Call(int flags)
        {
            Length = (int)Libc.msgrcv(id, message, (nuint)size, type, flags);
            return Errno = Length >= 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
