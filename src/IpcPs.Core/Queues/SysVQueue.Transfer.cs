using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <content>Sending and receiving.</content>
public sealed partial class SysVQueue
{
    /// <summary>What a message of nobody's choice has for a type.</summary>
    private const long DefaultType = 1;

    // struct msgbuf: a long, then the bytes.
    private const int TypeSize = 8;

    private AdaptiveWait _receiveSpin = AdaptiveWait.InConversations;
    private long _knownToFit;

    /// <inheritdoc/>
    private protected override (string?, IpcAdvice) TooLargeHint =>
        ($"A message may have kernel.msgmax bytes, which is {Sysctl.Describe("kernel.msgmax")} ('sysctl kernel.msgmax=…' raises it), and no more than the queue holds{(TryGetMaxBytes() is { } bytes ? $", which is {bytes}" : "")}. An Object may be larger: it travels through shared memory.", IpcAdvice.SetMaxBytes);

    /// <inheritdoc/>
    [SkipLocalsInit]
    private protected override unsafe void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        if (options.Priority is not null)
            throw new IpcException(IpcErrors.NotSupported, "A System V message queue has types, not priorities.", Address.Text,
                "Send with a type, and let the receiver ask for the lowest type with a negative type; or use a POSIX queue.") { Advice = IpcAdvice.UseTypeOrPosixQueue };
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
        if (options.ExceptType && type < 1) throw IpcException.Argument("ExceptType needs a Type of 1 or more.", Address.Text);
        if (type == long.MinValue) throw IpcException.Argument($"A message type is at most {long.MaxValue}.", Address.Text);
        if (options.Peek) SysVPeek.Receive(this, message, type, options.ExceptType, wait);
        else Take(message, (nint)type, options.ExceptType ? Libc.MSG_EXCEPT : 0, wait);
        return true;
    }

    /// <summary>Reads the sysctl and the queue's status only where a message is larger than what was found to be allowed before.</summary>
    private protected override bool Exceeds(long size)
    {
        if (size <= _knownToFit) return false;
        _knownToFit = Math.Min(SystemMaxMessageSize, TryGetMaxBytes() ?? long.MaxValue);
        return size > _knownToFit;
    }

    private unsafe void Send(byte* message, int length, in WaitOptions wait)
    {
        var attempt = new SendAttempt(Id, message, length);
        var errno = UntilRoom(ref attempt, wait);
        if (errno == 0) return;
        if (errno is Errno.ETIMEDOUT or Errno.EAGAIN) throw IpcException.TimedOut($"room on '{Address}'", Address.Text, wait.Deadline, IpcErrors.QueueFull);
        // The limits may have been lowered since they were read.
        _knownToFit = 0;
        throw errno == Errno.EINVAL && Exceeds(length) ? TooLarge(length) : Failed("msgsnd", errno);
    }

    private unsafe void Take(MessageBuffer message, nint type, int flags, in WaitOptions wait)
    {
        var room = FirstRoom;
        while (true)
        {
            var bytes = message.Reserve(room);
            fixed (byte* first = bytes)
            {
                var attempt = new ReceiveAttempt(Id, first, bytes.Length - TypeSize, type, flags);
                var errno = UntilMessage(ref attempt, wait);
                if (errno == 0)
                {
                    Describe(message, first, attempt.Length);
                    return;
                }
                if (errno is Errno.ETIMEDOUT or Errno.ENOMSG) throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
                // The kernel leaves a message where it is that has no room here: kernel.msgmax may be more than the usual.
                if (errno != Errno.E2BIG) throw Failed("msgrcv", errno);
                room = checked(bytes.Length * 2);
            }
        }
    }

    /// <summary>Bytes to begin with: the kernel's default for the largest message.</summary>
    internal const int FirstRoom = TypeSize + 8192;

    /// <summary>Makes the message of what msgrcv(2) left in its buffer.</summary>
    internal static unsafe void Describe(MessageBuffer message, byte* first, int length)
    {
        message.Type = *(long*)first;
        message.Length = TypeSize + length;
        message.Skip(TypeSize);
    }

    /// <summary>Tries, then blocks in the call itself, as <see cref="Waiter.UntilRoom"/> does and why.</summary>
    /// <returns>0, or the errno: ETIMEDOUT when the deadline passed; EAGAIN where it would have to wait and may not.</returns>
    private int UntilRoom(ref SendAttempt call, in WaitOptions wait)
    {
        if (call.TryOnce()) return call.Errno;
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        return wait.Deadline.IsImmediate ? call.Errno : InterruptibleCall.Invoke<SendAttempt, int>(ref call, out _, wait, Closing);
    }

    /// <summary>Tries, spins for as long as that pays, then blocks in the call itself.</summary>
    /// <returns>0, or the errno: ETIMEDOUT when the deadline passed; ENOMSG where it would have to wait and may not.</returns>
    private int UntilMessage(ref ReceiveAttempt call, in WaitOptions wait)
    {
        if (Waiter.TryFirst(ref call, ref _receiveSpin)) return call.Errno;
        Waiter.ThrowIfOver(wait.Cancellation, Closing);
        if (wait.Deadline.IsImmediate) return call.Errno;
        if (Waiter.Spin(ref call, ref _receiveSpin)) return call.Errno;
        var blockedAt = Stopwatch.GetTimestamp();
        var errno = InterruptibleCall.Invoke<ReceiveAttempt, int>(ref call, out _, wait, Closing);
        _receiveSpin.Blocked(Stopwatch.GetTimestamp() - blockedAt);
        return errno;
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

    private unsafe struct ReceiveAttempt(int id, byte* message, int room, nint type, int flags) : IAttempt, IBlockingCall<int>
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
            Length = (int)Libc.msgrcv(id, message, (nuint)room, type, flags);
            return Errno = Length >= 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
