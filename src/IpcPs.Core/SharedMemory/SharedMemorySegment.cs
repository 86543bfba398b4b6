using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.SharedMemory;

/// <summary>Memory that several processes have in their address spaces.</summary>
/// <remarks>What one process writes, the others see at once, without a system call and without a copy through the kernel. Nothing orders
/// the accesses: use semaphores, mutexes and the atomic operations for that. Every access is checked against the size. Several threads may
/// use one object, also while one of them closes or resizes it. A copy of many bytes is not atomic. Numbers have the byte order of the
/// machine (little-endian on x64 and arm64), as in C.</remarks>
public abstract unsafe partial class SharedMemorySegment : IpcObject, IIpcPermissions
{
    private readonly object _remapping = new();
    private MappedRegion _region;

    private protected SharedMemorySegment(IpcAddress address, MappedRegion region) : base(address) => _region = region;

    /// <summary>The size in bytes that this process has mapped. If another process enlarges the memory, it is mapped again when the new
    /// part is first used, or by <see cref="Refresh"/>.</summary>
    public long Size => Volatile.Read(ref _region).Length;

    /// <summary>Whether the pages are mapped for reading only.</summary>
    public bool IsReadOnly => Volatile.Read(ref _region).IsReadOnly;

    /// <inheritdoc/>
    public UnixFileMode Mode { get => Permissions.Mode; set => Permissions.Mode = value; }

    /// <inheritdoc/>
    public string Owner { get => Permissions.Owner; set => Permissions.Owner = value; }

    /// <inheritdoc/>
    public string Group { get => Permissions.Group; set => Permissions.Group = value; }

    private protected abstract IIpcPermissions Permissions { get; }

    /// <summary>How often it is attached by all processes, which the kernel counts for System V; else null.</summary>
    public virtual long? AttachCount => null;

    /// <summary>The id of the process that created it, which the kernel records for System V; else null.</summary>
    public virtual int? CreatorId => null;

    /// <summary>The id of the process that attached or detached last, which the kernel records for System V; else null.</summary>
    public virtual int? LastProcessId => null;

    /// <summary>Changes the size for every process. New bytes are zero; bytes beyond a smaller size are lost.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: this kind cannot; <see cref="IpcErrors.LimitReached"/>: there
    /// is no space, and the size is as before.</exception>
    public abstract void Resize(long size, CancellationToken cancellation = default);

    /// <summary>Maps the memory again if another process has changed its size.</summary>
    /// <returns>The size now.</returns>
    public long Refresh()
    {
        ThrowIfClosed();
        TryRemap(Volatile.Read(ref _region));
        return Size;
    }

    /// <summary>One byte at an offset.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public byte this[long offset]
    {
        get => Read<byte>(offset);
        set => Write(offset, value);
    }

    /// <summary>Reads one value, as a unit if it is aligned and has at most 8 bytes.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public T Read<T>(long offset)
        where T : unmanaged
    {
        using var hold = Enter(offset, sizeof(T), write: false);
        var value = Unsafe.ReadUnaligned<T>(hold.Start + offset);
        ThrowIfCut(hold);
        return value;
    }

    /// <summary>Writes one value, as a unit if it is aligned and has at most 8 bytes.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        using var hold = Enter(offset, sizeof(T), write: true);
        Unsafe.WriteUnaligned(hold.Start + offset, value);
        ThrowIfCut(hold);
    }

    /// <summary>Reads values until the span is full, at the speed of memcpy(3).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public void Read<T>(long offset, Span<T> values)
        where T : unmanaged
    {
        var bytes = (long)values.Length * sizeof(T);
        using var hold = Enter(offset, bytes, write: false);
        fixed (T* target = values) Buffer.MemoryCopy(hold.Start + offset, target, bytes, bytes);
        ThrowIfCut(hold);
    }

    /// <summary>Writes all values of the span, at the speed of memcpy(3).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public void Write<T>(long offset, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var bytes = (long)values.Length * sizeof(T);
        using var hold = Enter(offset, bytes, write: true);
        fixed (T* source = values) Buffer.MemoryCopy(source, hold.Start + offset, bytes, bytes);
        ThrowIfCut(hold);
    }

    /// <summary>Sets every byte of a range to a value.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public void Fill(long offset, long count, byte value)
    {
        using var hold = Enter(offset, count, write: true);
        NativeMemory.Fill(hold.Start + offset, (nuint)count, value);
        ThrowIfCut(hold);
    }

    /// <summary>Finds the first byte of a value in a range.</summary>
    /// <returns>The offset of the byte, or -1.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public long IndexOf(byte value, long offset, long count)
    {
        using var hold = Enter(offset, count, write: false);
        for (long done = 0; done < count;)
        {
            var part = (int)Math.Min(count - done, 1 << 20);
            var found = new ReadOnlySpan<byte>(hold.Start + offset + done, part).IndexOf(value);
            ThrowIfCut(hold);
            if (found >= 0) return offset + done + found;
            done += part;
        }
        return -1;
    }

    /// <summary>The memory itself, without a copy: <c>using var view = memory.AsSpan(); view.Span[0] = 1;</c>.</summary>
    /// <remarks>The memory stays mapped until the result is disposed, even if this object is closed before.</remarks>
    /// <param name="offset">The offset of the first byte.</param>
    /// <param name="count">The number of bytes, at most 2 GiB; -1 for all that follow.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public SharedSpan AsSpan(long offset = 0, int count = -1)
    {
        var bytes = CountFrom(offset, count);
        return new SharedSpan(Enter(offset, bytes, write: true), offset, bytes);
    }

    /// <summary>The same as <see cref="AsSpan"/>, for reading. Works also if the memory is open for reading only.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public SharedReadOnlySpan AsReadOnlySpan(long offset = 0, int count = -1)
    {
        var bytes = CountFrom(offset, count);
        return new SharedReadOnlySpan(Enter(offset, bytes, write: false), offset, bytes);
    }

    /// <summary>A stream over the memory with the size that it has now. To close it does not close the memory.</summary>
    public Stream AsStream() => new SharedMemoryStream(this);

    private int CountFrom(long offset, int count)
    {
        if (count != -1) return count;
        var rest = Size - offset;
        return rest is >= 0 and <= int.MaxValue ? (int)rest : throw OutOfRange(offset, rest, Size);
    }

    /// <summary>A new mapping if the size of the object is not that of the region any more, or if the region was truncated; else
    /// null.</summary>
    private protected virtual MappedRegion? MapAgain(MappedRegion current) => null;

    /// <summary>The size of the object now. Used if there is no guard against the truncation of the file.</summary>
    private protected virtual long CurrentSize(MappedRegion current) => current.Length;

    /// <summary>Keeps the region mapped, after the range was checked.</summary>
    private protected MappedRegion.Hold Enter(long offset, long count, bool write)
    {
        while (true)
        {
            ThrowIfClosed();
            var region = Volatile.Read(ref _region);
            if (write && region.IsReadOnly) throw OpenForReading();
            if (!region.Contains(offset, count) || (!region.IsGuarded && CurrentSize(region) < offset + count))
            {
                if (TryRemap(region)) continue;
                throw OutOfRange(offset, count, region.Length);
            }
            try
            {
                return region.Enter();
            }
            catch (ObjectDisposedException)
            {
                // Closed, which the next round reports, or mapped again.
            }
        }
    }

    /// <summary>Throws if a page was missing during the last access.</summary>
    internal void ThrowIfCut(in MappedRegion.Hold hold)
    {
        if (!hold.Region.WasCut) return;
        TryRemap(hold.Region);
        throw new IpcException(IpcErrors.OutOfRange,
            $"Another process has truncated '{Address}' to {CurrentSize(hold.Region)} bytes, or its file system is full.", Address.Text,
            "Let the processes agree on the size, or use a kind that cannot be truncated: without a name, or System V.")
        { Advice = IpcAdvice.UseFixedMemory };
    }

    /// <summary>Throws if an operation at the offset would not be atomic.</summary>
    private protected void RequireAligned(long offset, int size)
    {
        if (offset % size != 0)
            throw IpcException.Argument(
                $"An atomic operation on {size} bytes needs an offset that is a multiple of {size}, and not {offset}.", Address.Text);
    }

    private protected static void RequireSize(long size, IpcAddress? address)
    {
        if (size <= 0) throw IpcException.Argument($"The size of shared memory is at least 1 byte, and not {size}.", address?.Text);
    }

    private protected IpcException OpenForReading() =>
        new(IpcErrors.NotSupported, $"'{Address}' is open for reading only.", Address.Text,
            "Open it with access ReadWrite. Its mode must allow this user to write.")
        { Advice = IpcAdvice.OpenWithAccess };

    private protected IpcException OutOfRange(long offset, long count, long size) =>
        new(IpcErrors.OutOfRange, $"{count} bytes at offset {offset} are outside of '{Address}', which has {size} bytes.", Address.Text,
            $"Use offsets from 0 to {size - 1}.");

    /// <summary>Replaces a mapping that no longer fits.</summary>
    /// <returns>Whether there is a new one.</returns>
    private bool TryRemap(MappedRegion seen)
    {
        lock (_remapping)
        {
            // Another thread was faster.
            if (_region != seen) return true;
            if (IsClosed || MapAgain(seen) is not { } fresh) return false;
            Volatile.Write(ref _region, fresh);
            // Unmapped when the last access to it has ended.
            seen.Dispose();
            return true;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_remapping) _region.Dispose();
    }
}
