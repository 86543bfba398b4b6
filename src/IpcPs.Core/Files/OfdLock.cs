using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Locks on single bytes of a file, which need not exist, as signs of life: the kernel takes them from a process that dies, after its memory is gone.
/// Call: fcntl(2) with F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK.</summary>
internal static unsafe class OfdLock
{
    /// <summary>Takes a lock where that is possible at once.</summary>
    /// <param name="descriptor">The open file; it does not conflict with itself.</param>
    /// <param name="at">The byte.</param>
    /// <param name="exclusive">Whether nobody else may have one, or only nobody an exclusive one.</param>
    /// <param name="target">The object's address, for errors.</param>
    /// <returns>False where another one has it.</returns>
    public static bool TryTake(SafeDescriptor descriptor, long at, bool exclusive, string? target)
    {
        var errno = Call(descriptor, Libc.F_OFD_SETLK, exclusive ? Libc.F_WRLCK : Libc.F_RDLCK, at, out _);
        if (errno is Errno.EAGAIN or Errno.EACCES) return false;
        return errno == 0 ? true : throw IpcException.FromErrno("fcntl(F_OFD_SETLK)", errno, target);
    }

    /// <summary>Takes a lock, waiting for it.</summary>
    /// <returns>False when the deadline passed.</returns>
    public static bool Take(SafeDescriptor descriptor, long at, bool exclusive, string? target, in WaitOptions wait)
    {
        if (TryTake(descriptor, at, exclusive, target)) return true;
        if (wait.Deadline.IsImmediate) return false;
        var call = new WaitCall(descriptor, at, exclusive);
        var errno = InterruptibleCall.Invoke<WaitCall, int>(ref call, out _, wait);
        if (errno == Errno.ETIMEDOUT) return false;
        return errno == 0 ? true : throw IpcException.FromErrno("fcntl(F_OFD_SETLKW)", errno, target);
    }

    /// <summary>Gives a lock back.</summary>
    public static void Release(SafeDescriptor descriptor, long at) => _ = Call(descriptor, Libc.F_OFD_SETLK, Libc.F_UNLCK, at, out _);

    /// <summary>Whether any other open file has a lock on the byte.</summary>
    public static bool IsTaken(SafeDescriptor descriptor, long at, string? target)
    {
        var errno = Call(descriptor, Libc.F_OFD_GETLK, Libc.F_WRLCK, at, out var found);
        return errno == 0 ? found.Type != Libc.F_UNLCK : throw IpcException.FromErrno("fcntl(F_OFD_GETLK)", errno, target);
    }

    private static int Call(SafeDescriptor descriptor, int command, short type, long at, out Libc.FileLock found)
    {
        var range = new Libc.FileLock { Type = type, Start = at, Length = 1 };
        int errno;
        do
        {
            errno = Libc.fcntl(descriptor, command, (nint)(&range)) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        while (errno == Errno.EINTR && command != Libc.F_OFD_SETLKW);
        found = range;
        return errno;
    }

    private readonly struct WaitCall(SafeDescriptor descriptor, long at, bool exclusive) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            result = 0;
            return Call(descriptor, Libc.F_OFD_SETLKW, exclusive ? Libc.F_WRLCK : Libc.F_RDLCK, at, out _);
        }
    }
}
