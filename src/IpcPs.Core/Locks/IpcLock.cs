namespace IpcPs.Locks;

/// <summary>What can be taken, waited for and given back: semaphores and mutexes.</summary>
public abstract class IpcLock : IpcObject, IIpcPermissions
{
    private protected IpcLock(IpcAddress address) : base(address)
    {
    }

    /// <inheritdoc/>
    public abstract UnixFileMode Mode { get; set; }

    /// <inheritdoc/>
    public abstract string Owner { get; set; }

    /// <inheritdoc/>
    public abstract string Group { get; set; }

    /// <summary>Whether the last one who held it before this process ended without giving it back: what it guards may be half changed. Only mutexes know.</summary>
    public virtual bool OwnerDied => false;

    /// <summary>Takes it, and waits until it can be taken.</summary>
    /// <param name="options">How many, of which.</param>
    /// <param name="wait">Until when to wait, and what cancels the wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.Locked"/> (immediate deadline),
    /// <see cref="IpcErrors.OutOfRange"/> (index), <see cref="IpcErrors.InvalidOperation"/> (held by this holder already),
    /// <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was taken.</exception>
    public abstract void Acquire(in LockOptions options, in WaitOptions wait = default);

    /// <summary>Gives it back. Never waits.</summary>
    /// <param name="options">How many, of which.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidOperation"/> (a mutex that is not held), <see cref="IpcErrors.LimitReached"/> (the value would be
    /// too large), <see cref="IpcErrors.OutOfRange"/> (index), <see cref="IpcErrors.Removed"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public abstract void Release(in LockOptions options);

    /// <summary>Takes one.</summary>
    /// <inheritdoc cref="Acquire(in LockOptions, in WaitOptions)" path="/exception"/>
    public void Acquire(in WaitOptions wait = default) => Acquire(new LockOptions(), wait);

    /// <summary>Gives one back.</summary>
    /// <inheritdoc cref="Release(in LockOptions)" path="/exception"/>
    public void Release() => Release(new LockOptions());

    private protected IpcException TimedOut(Deadline deadline) =>
        deadline.IsImmediate
            ? new IpcException(IpcErrors.Locked, $"'{Address}' is taken.", Address.Text) { Advice = IpcAdvice.WaitForLock }
            : IpcException.TimedOut($"'{Address}'", Address.Text, deadline);
}
