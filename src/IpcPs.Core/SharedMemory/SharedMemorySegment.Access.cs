using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.SharedMemory;

/// <summary>Bytes, values and arrays of values in place.</summary>
public abstract unsafe partial class SharedMemorySegment
{
    /// <summary>One byte.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public byte this[long offset]
    {
        get => Read<byte>(offset);
        set => Write(offset, value);
    }

    /// <summary>Reads one value, in one piece where it is aligned and has at most 8 bytes.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public T Read<T>(long offset)
        where T : unmanaged
    {
        using var hold = Enter(offset, sizeof(T), write: false);
        var value = Unsafe.ReadUnaligned<T>(hold.Start + offset);
        ThrowIfCut(hold);
        return value;
    }

    /// <summary>Writes one value, in one piece where it is aligned and has at most 8 bytes.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        using var hold = Enter(offset, sizeof(T), write: true);
        Unsafe.WriteUnaligned(hold.Start + offset, value);
        ThrowIfCut(hold);
    }

    /// <summary>Reads as many values as the span has, at memcpy's speed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public void Read<T>(long offset, Span<T> values)
        where T : unmanaged
    {
        var bytes = (long)values.Length * sizeof(T);
        using var hold = Enter(offset, bytes, write: false);
        fixed (T* target = values) Buffer.MemoryCopy(hold.Start + offset, target, bytes, bytes);
        ThrowIfCut(hold);
    }

    /// <summary>Writes all values of the span, at memcpy's speed.</summary>
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

    /// <summary>Sets a range to one byte.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public void Fill(long offset, long count, byte value)
    {
        using var hold = Enter(offset, count, write: true);
        NativeMemory.Fill(hold.Start + offset, (nuint)count, value);
        ThrowIfCut(hold);
    }

    /// <summary>Where a byte is first found, or -1.</summary>
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

    /// <summary>The memory itself, without a copy, until the result is disposed: <c>using var view = memory.AsSpan(); view.Span[0] = 1;</c>. The memory stays mapped
    /// that long, also when it is closed meanwhile.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="count">How many bytes; -1 for all that follow, of which a span can have 2 GiB.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.NotSupported"/> (read-only),
    /// <see cref="IpcErrors.Closed"/>.</exception>
    public SharedSpan AsSpan(long offset = 0, int count = -1)
    {
        var bytes = CountFrom(offset, count);
        return new SharedSpan(Enter(offset, bytes, write: true), offset, bytes);
    }

    /// <summary>As <see cref="AsSpan"/>, for reading; also where the memory is open for reading only.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.OutOfRange"/>, <see cref="IpcErrors.Closed"/>.</exception>
    public SharedReadOnlySpan AsReadOnlySpan(long offset = 0, int count = -1)
    {
        var bytes = CountFrom(offset, count);
        return new SharedReadOnlySpan(Enter(offset, bytes, write: false), offset, bytes);
    }

    /// <summary>A stream over the memory as it is now: it does not grow, and closing it does not close the memory.</summary>
    public Stream AsStream() => new SharedMemoryStream(this);

    private int CountFrom(long offset, int count)
    {
        if (count != -1) return count;
        var rest = Size - offset;
        return rest is >= 0 and <= int.MaxValue ? (int)rest : throw OutOfRange(offset, rest, Size);
    }
}
