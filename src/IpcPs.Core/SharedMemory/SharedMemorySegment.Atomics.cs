namespace IpcPs.SharedMemory;

/// <summary>Cells that several processes change at once: what C's atomics do on the same memory. A cell lies at a multiple of its size.</summary>
public abstract unsafe partial class SharedMemorySegment
{
    /// <summary>Adds to a 32-bit cell; it wraps around.</summary>
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

    /// <summary>Adds to a 64-bit cell; it wraps around.</summary>
    /// <inheritdoc cref="Add(long, int)"/>
    public long Add(long offset, long value)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.Add(ref *(long*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Puts a value into a 32-bit cell.</summary>
    /// <returns>What was there before.</returns>
    /// <inheritdoc cref="Add(long, int)" path="/exception"/>
    public int Exchange(long offset, int value)
    {
        using var hold = EnterCell(offset, sizeof(int));
        var result = Interlocked.Exchange(ref *(int*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Puts a value into a 64-bit cell.</summary>
    /// <inheritdoc cref="Exchange(long, int)"/>
    public long Exchange(long offset, long value)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.Exchange(ref *(long*)(hold.Start + offset), value);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Puts a value into a 32-bit cell if it has the expected one.</summary>
    /// <returns>What was there before: the expected value where the exchange was made.</returns>
    /// <inheritdoc cref="Add(long, int)" path="/exception"/>
    public int CompareExchange(long offset, int value, int expected)
    {
        using var hold = EnterCell(offset, sizeof(int));
        var result = Interlocked.CompareExchange(ref *(int*)(hold.Start + offset), value, expected);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Puts a value into a 64-bit cell if it has the expected one.</summary>
    /// <inheritdoc cref="CompareExchange(long, int, int)"/>
    public long CompareExchange(long offset, long value, long expected)
    {
        using var hold = EnterCell(offset, sizeof(long));
        var result = Interlocked.CompareExchange(ref *(long*)(hold.Start + offset), value, expected);
        ThrowIfCut(hold);
        return result;
    }

    /// <summary>Blocks while a 32-bit cell has a value. Whoever changes the cell must wake it: <see cref="Wake"/>, or futex(2) with FUTEX_WAKE, without
    /// FUTEX_PRIVATE_FLAG, in another language.</summary>
    /// <param name="offset">Where the cell is, a multiple of 4.</param>
    /// <param name="value">The value at which to wait.</param>
    /// <param name="wait">Until when, and what cancels the wait.</param>
    /// <returns>The cell's new value; null when the deadline passed.</returns>
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
                // The kernel looked where the file no longer is: so do we, and then it is known as cut.
            }
        }
    }

    /// <summary>Wakes those who wait for a 32-bit cell to change; they look at it again.</summary>
    /// <returns>How many were woken.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.InvalidArgument"/> (not aligned),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public int Wake(long offset, int count = int.MaxValue)
    {
        RequireAligned(offset, sizeof(int));
        using var hold = Enter(offset, sizeof(int), write: false);
        return Math.Max(0, Waiter.Wake((uint*)(hold.Start + offset), count, isShared: true));
    }

    private MappedRegion.Hold EnterCell(long offset, int size)
    {
        RequireAligned(offset, size);
        return Enter(offset, size, write: true);
    }
}
