namespace IpcPs.Locks;

/// <summary>A semaphore or a mutex, which a process acquires and releases.</summary>
public abstract class IpcLock : IpcObject, IIpcPermissions
{
    private protected IpcLock(IpcAddress address) : base(address)
    {
    }

    /// <inheritdoc/>
    public UnixFileMode Mode { get => Permissions.Mode; set => Permissions.Mode = value; }

    /// <inheritdoc/>
    public string Owner { get => Permissions.Owner; set => Permissions.Owner = value; }

    /// <inheritdoc/>
    public string Group { get => Permissions.Group; set => Permissions.Group = value; }

    private protected abstract IIpcPermissions Permissions { get; }

    /// <summary>Whether the last holder before this process ended without releasing the lock, so that what it guards may be half changed.
    /// Always false for semaphores, which do not record it.</summary>
    public virtual bool OwnerDied => false;

    /// <summary>Acquires the lock, and waits until that is possible.</summary>
    /// <param name="options">How many, and of which semaphore.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Locked"/> (immediate deadline),
    /// <see cref="IpcErrors.OutOfRange"/> (index), <see cref="IpcErrors.InvalidOperation"/> (this holder already holds it),
    /// <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled, and nothing was acquired.</exception>
    public abstract void Acquire(in LockOptions options, in WaitOptions wait = default);

    /// <summary>Releases the lock. Never waits.</summary>
    /// <param name="options">How many, and of which semaphore.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/> (a mutex that is not held),
    /// <see cref="IpcErrors.LimitReached"/> (the value would be too large), <see cref="IpcErrors.OutOfRange"/> (index),
    /// <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public abstract void Release(in LockOptions options);

    /// <summary>Acquires one.</summary>
    /// <inheritdoc cref="Acquire(in LockOptions, in WaitOptions)" path="/exception"/>
    public void Acquire(in WaitOptions wait = default) => Acquire(new LockOptions(), wait);

    /// <summary>Releases one.</summary>
    /// <inheritdoc cref="Release(in LockOptions)" path="/exception"/>
    public void Release() => Release(new LockOptions());

    /// <summary>The process that holds it, for errors; null where that is not known.</summary>
    private protected virtual string? Holder => null;

    private protected IpcException TimedOut(Deadline deadline)
    {
        var holder = Holder;
        return deadline.IsImmediate
            ? new IpcException(IpcErrors.Locked,
                $"'{Address}' cannot be acquired now{(holder is null ? "" : $": {holder} holds it")}.", Address.Text)
            { Advice = IpcAdvice.WaitForLock }
            : IpcException.TimedOut(holder is null ? $"'{Address}'" : $"'{Address}', which {holder} holds", Address.Text, deadline);
    }
}

/// <summary>How many are acquired or released, and of which semaphore. The default is one, of the first semaphore.</summary>
public readonly record struct LockOptions
{
    private readonly int? _count;

    /// <summary>Creates the default.</summary>
    public LockOptions()
    {
    }

    /// <summary>How many; 1 for a mutex. 0 waits until the value of a System V semaphore is zero.</summary>
    public int Count
    {
        get => _count ?? 1;
        init => _count = value;
    }

    /// <summary>The index of the semaphore in a System V set, from 0.</summary>
    public int Index { get; init; }

    /// <summary>Whether the kernel does not release what this process has acquired of a System V semaphore when the process ends. For
    /// semaphores that count things.</summary>
    public bool NoUndo { get; init; }

    /// <summary>Who holds a mutex inside this process: any object, or null for the current thread.</summary>
    /// <remarks>If the holder acquires the mutex again, that is an error, or is counted by a recursive mutex. Another holder
    /// waits.</remarks>
    public object? Holder { get; init; }
}
