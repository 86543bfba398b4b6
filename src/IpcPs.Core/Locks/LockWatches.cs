using IpcPs.Files;
using IpcPs.Readiness;

namespace IpcPs.Locks;

/// <summary>The watch of a POSIX semaphore.</summary>
/// <remarks>sem_wait(3) would acquire it. So this waits on the value itself, as glibc does (futex(2)), and passes each wake on to the next
/// waiter, because sem_post(3) wakes only one.</remarks>
internal sealed class PosixSemaphoreWatch(PosixSemaphore semaphore, int count) : BlockingWatch(semaphore.Address.Text, semaphore.Closing)
{
    private protected override ReadyState CheckNow() => semaphore.Value >= count ? ReadyState.Available : ReadyState.None;

    private protected override void UntilChanged(CancellationToken cancellation) => semaphore.WaitWhileBelow(count, cancellation);
}

/// <summary>The watch of a System V semaphore.</summary>
internal sealed class SysVSemaphoreWatch(SysVSemaphoreSet set, int index, int count) : BlockingWatch(set.Address.Text, set.Closing)
{
    private protected override ReadyState CheckNow()
    {
        var value = set.GetValue(index);
        return (count == 0 ? value == 0 : value >= count) ? ReadyState.Available : ReadyState.None;
    }

    private protected override void UntilChanged(CancellationToken cancellation) => set.WaitUntilAvailable(index, count, cancellation);
}

/// <summary>The watch of a mutex.</summary>
/// <remarks>flock(2) has no call that only looks. So this acquires a shared lock, for a moment, through an open file description
/// of its own: several watches do not disturb each other, and the kernel releases it if the process is killed meanwhile.</remarks>
internal sealed class MutexWatch(IpcMutex mutex) : BlockingWatch(mutex.Address.Text, mutex.Closing)
{
    private protected override ReadyState CheckNow()
    {
        if (mutex.IsHeld) return mutex.IsRecursive ? ReadyState.Available : ReadyState.None;
        using var file = IpcMutex.OpenFile(mutex.Address);
        if (Libc.flock(file, Libc.LOCK_SH | Libc.LOCK_NB) != 0) return ReadyState.None;
        _ = Libc.flock(file, Libc.LOCK_UN);
        return ReadyState.Available;
    }

    private protected override void UntilChanged(CancellationToken cancellation)
    {
        using var file = IpcMutex.OpenFile(mutex.Address);
        var call = new FlockCall(file, Libc.LOCK_SH);
        var errno = InterruptibleCall.Invoke<FlockCall, int>(ref call, out _, new WaitOptions(default, cancellation), cancellation);
        if (errno != 0) throw IpcException.FromErrno("flock", errno, mutex.Address.Text);
        _ = Libc.flock(file, Libc.LOCK_UN);
    }
}
