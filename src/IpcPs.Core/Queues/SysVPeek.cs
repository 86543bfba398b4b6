using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Queues;

/// <summary>Looks at a message of a System V queue and leaves it there (MSG_COPY of msgrcv(2)).</summary>
internal static unsafe class SysVPeek
{
    private const int TypeSize = 8;

    /// <summary>Copies the message that a receive with the same type would take; waits for one where the deadline allows.</summary>
    public static void Receive(SysVQueue queue, MessageBuffer message, long type, bool except, in WaitOptions wait)
    {
        while (!TryCopy(queue, message, type, except))
        {
            if (wait.Deadline.IsImmediate) throw IpcException.TimedOut($"a message on '{queue.Address}'", queue.Address.Text, wait.Deadline, IpcErrors.Empty);
            if (WaitForOne(queue, message, type, except, wait)) return;
        }
    }

    /// <summary>Copies the message where there is one. The kernel copies by position only, so the types are compared here, from the first on.</summary>
    private static bool TryCopy(SysVQueue queue, MessageBuffer message, long type, bool except)
    {
        var (best, bestType) = (-1, long.MaxValue);
        for (var position = 0; Copy(queue, message, position); position++)
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
        // Receivers may have taken messages before it meanwhile: then what is there now is looked at from the start.
        return (Copy(queue, message, best) && message.Type == bestType) || TryCopy(queue, message, type, except);
    }

    private static bool Copy(SysVQueue queue, MessageBuffer message, int position)
    {
        var room = SysVQueue.FirstRoom;
        while (true)
        {
            var bytes = message.Reserve(room);
            fixed (byte* first = bytes)
            {
                var length = Libc.msgrcv(queue.Id, first, (nuint)(bytes.Length - TypeSize), position, Libc.MSG_COPY | Libc.IPC_NOWAIT);
                if (length >= 0)
                {
                    SysVQueue.Describe(message, first, (int)length);
                    return true;
                }
            }
            var errno = Marshal.GetLastPInvokeError();
            switch (errno)
            {
                case Errno.ENOMSG:
                    return false;
                case Errno.E2BIG:
                    room = checked(bytes.Length * 2);
                    break;
                case Errno.ENOSYS:
                    throw new IpcException(IpcErrors.PlatformNotSupported, "This kernel cannot copy a message out of a queue: it was built without CONFIG_CHECKPOINT_RESTORE, which MSG_COPY of msgrcv(2) needs.", queue.Address.Text, "Receive the message, and send it again where it should stay.")
                    { Errno = errno, Call = "msgrcv" };
                default:
                    throw queue.Failed("msgrcv", errno);
            }
        }
    }

    /// <summary>MSG_COPY never waits. But msgrcv(2) with no room at all waits for a message of the type and then leaves it where it is, with E2BIG.</summary>
    /// <returns>True where that took the message after all, because it is an empty one: then it was put back, behind the others, and is
    /// the one looked for.</returns>
    private static bool WaitForOne(SysVQueue queue, MessageBuffer message, long type, bool except, in WaitOptions wait)
    {
        long taken;
        var call = new WaitCall(queue.Id, &taken, (nint)type, except ? Libc.MSG_EXCEPT : 0);
        var errno = InterruptibleCall.Invoke<WaitCall, int>(ref call, out _, wait, queue.Closing);
        switch (errno)
        {
            case Errno.E2BIG:
                return false;
            case Errno.ETIMEDOUT:
                throw IpcException.TimedOut($"a message on '{queue.Address}'", queue.Address.Text, wait.Deadline);
            case 0:
                queue.Send([], new SendOptions { Type = taken });
                message.Reserve(TypeSize);
                message.Length = 0;
                message.Type = taken;
                return true;
            default:
                throw queue.Failed("msgrcv", errno);
        }
    }

    private readonly struct WaitCall(int id, long* type, nint wanted, int flags) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = (int)Libc.msgrcv(id, (byte*)type, 0, wanted, flags)) >= 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
