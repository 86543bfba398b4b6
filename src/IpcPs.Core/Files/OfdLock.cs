using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Locks on single bytes of a file, which need not exist. They show that a process lives: when it dies, the kernel releases
/// them, after
/// its memory is unmapped. Calls: fcntl(2) with F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK.</summary>
internal static unsafe class OfdLock
{
    /// <summary>Acquires a lock if that is possible at once.</summary>
    /// <param name="descriptor">The open file. Locks of the same open file do not conflict.</param>
    /// <param name="at">The byte.</param>
    /// <param name="exclusive">Whether it conflicts with every other lock, or with exclusive locks only.</param>
    /// <param name="target">The object's address, for errors.</param>
    /// <returns>False where another open file has a conflicting lock.</returns>
    public static bool TryAcquire(SafeDescriptor descriptor, long at, bool exclusive, string? target)
    {
        var errno = Call(descriptor, Libc.F_OFD_SETLK, exclusive ? Libc.F_WRLCK : Libc.F_RDLCK, at, out _);
        if (errno is Errno.EAGAIN or Errno.EACCES) return false;
        return errno == 0 ? true : throw IpcException.FromErrno("fcntl(F_OFD_SETLK)", errno, target);
    }

    /// <summary>Acquires a lock, and waits for it.</summary>
    /// <returns>False when the deadline passed.</returns>
    public static bool Acquire(SafeDescriptor descriptor, long at, bool exclusive, string? target, in WaitOptions wait)
    {
        if (TryAcquire(descriptor, at, exclusive, target)) return true;
        if (wait.Deadline.IsImmediate) return false;
        var call = new WaitCall(descriptor, at, exclusive);
        var errno = InterruptibleCall.Invoke<WaitCall, int>(ref call, out _, wait);
        if (errno == Errno.ETIMEDOUT) return false;
        return errno == 0 ? true : throw IpcException.FromErrno("fcntl(F_OFD_SETLKW)", errno, target);
    }

    /// <summary>Releases a lock.</summary>
    public static void Release(SafeDescriptor descriptor, long at) => _ = Call(descriptor, Libc.F_OFD_SETLK, Libc.F_UNLCK, at, out _);

    /// <summary>Whether any other open file has a lock on the byte.</summary>
    public static bool IsHeld(SafeDescriptor descriptor, long at, string? target)
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
