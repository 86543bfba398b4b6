using IpcPs.Readiness;

namespace IpcPs.SharedMemory;

/// <content>Atomic operations, as those of C on the same memory. The offset must be a multiple of the size of the value.</content>
public abstract unsafe partial class SharedMemorySegment
{
    /// <summary>Adds to a 32-bit value. The sum wraps around.</summary>
    /// <returns>The sum.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/> (not aligned),
    /// <see cref="IpcErrors.NotSupported"/> (read-only), <see cref="IpcErrors.Closed"/>.</exception>
    public int Add(long offset, int value)
    {
        using var hold = EnterCell(offset, sizeof(int));
        var result = Interlocked.Add(ref *(int*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Adds to a 64-bit value. The sum wraps around.</summary>
    /// <inheritdoc cref="Add(long, int)"/>
    public long Add(long offset, long value)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.Add(ref *(long*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Replaces a 32-bit value.</summary>
    /// <returns>The earlier value.</returns>
    /// <inheritdoc cref="Add(long, int)" path="/exception"/>
    public int Exchange(long offset, int value)
    {
        using var hold = EnterCell(offset, sizeof(int));
        var result = Interlocked.Exchange(ref *(int*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Replaces a 64-bit value.</summary>
    /// <inheritdoc cref="Exchange(long, int)"/>
    public long Exchange(long offset, long value)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.Exchange(ref *(long*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Replaces a 32-bit value if it is the expected one.</summary>
    /// <returns>The earlier value, which is the expected one if it was replaced.</returns>
    /// <inheritdoc cref="Add(long, int)" path="/exception"/>
    public int CompareExchange(long offset, int value, int expected)
    {
        using var hold = EnterCell(offset, sizeof(int));
        var result = Interlocked.CompareExchange(ref *(int*)(hold.Start + offset), value, expected);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Replaces a 64-bit value if it is the expected one.</summary>
    /// <inheritdoc cref="CompareExchange(long, int, int)"/>
    public long CompareExchange(long offset, long value, long expected)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.CompareExchange(ref *(long*)(hold.Start + offset), value, expected);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Blocks while a 32-bit value is equal to another (futex(2)).</summary>
    /// <remarks>The process that changes the value must call <see cref="Wake"/>. In another language that is futex(2) with FUTEX_WAKE,
    /// without FUTEX_PRIVATE_FLAG.</remarks>
    /// <param name="offset">The offset of the value, a multiple of 4.</param>
    /// <param name="value">The value at which to wait.</param>
    /// <param name="wait">How long to wait, and what cancels the wait.</param>
    /// <returns>The new value; null if the deadline passed.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/> (not aligned),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public int? WaitForChange(long offset, int value, in WaitOptions wait = default)
    {
        RequireAligned(offset, sizeof(int));
        using var hold = Enter(offset, sizeof(int), write: false);
        var word = (uint*)(hold.Start + offset);
        while (true)
        {
            var seen = (int)Volatile.Read(ref *word);
            ThrowIfCut(hold);
            if (seen != value) return seen;
            try
            {
                if (!Waiter.WhileEqual(word, (uint)value, isShared: true, wait, Closing)) return null;
            }
            catch (IpcException e) when (e.Errno == Errno.EFAULT)
            {
                // The file was truncated. The next round reads the value, which marks the region.
            }
        }
    }

    /// <summary>Wakes threads of all processes that wait for a 32-bit value to change (futex(2)). They read it again.</summary>
    /// <returns>How many threads were woken.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/> (not aligned),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public int Wake(long offset, int count = int.MaxValue)
    {
        RequireAligned(offset, sizeof(int));
        using var hold = Enter(offset, sizeof(int), write: false);
        return Math.Max(0, Waiter.Wake((uint*)(hold.Start + offset), count, isShared: true));
    }

    /// <inheritdoc/>
    /// <remarks>Calls: futex(2). The process that changes the number must call <see cref="Wake"/>.</remarks>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        RequireAligned(options.Offset, sizeof(int));
        return new CellWatch(this, options.Offset, options.While ?? Read<int>(options.Offset));
    }

    private MappedRegion.Hold EnterCell(long offset, int size)
    {
        RequireAligned(offset, size);
        return Enter(offset, size, write: true);
    }
}
