using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.SharedMemory;

/// <summary>A piece of shared memory in this process's address space (mmap(2)); unmapped once, never while another thread is in it.</summary>
/// <remarks>Every access takes a <see cref="Hold"/>: closing on another thread is carried out when the last one is gone.
/// Touching what the file no longer has does not end the process where <see cref="SigbusGuard"/> is active; it sets <see cref="WasCut"/>.
/// Calls: mmap(2), munmap(2).</remarks>
internal class MappedRegion : SafeHandle
{
    private readonly int _guard = -1;

    /// <summary>Takes ownership of what is mapped at an address.</summary>
    protected MappedRegion(nint address, long length, bool isReadOnly, bool isGuarded) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
        IsReadOnly = isReadOnly;
        if (isGuarded) _guard = SigbusGuard.Add(address, length);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Whether the pages themselves refuse writing.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Whether a cut of the file is survived: where not, who touches the region looks at the file's size before.</summary>
    public bool IsGuarded => _guard >= 0;

    /// <summary>Whether something was touched that the file no longer has. What was read since is not to be believed, what was written is lost.</summary>
    public bool WasCut => SigbusGuard.WasCut(_guard);

    /// <summary>Maps the first <paramref name="length"/> bytes of a file, shared.</summary>
    /// <param name="descriptor">The file; may be closed afterwards.</param>
    /// <param name="length">How many bytes; the file should have them.</param>
    /// <param name="isReadOnly">Whether to map for reading only.</param>
    /// <param name="target">The object's address, for errors.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/> (address space), <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static unsafe MappedRegion Map(SafeDescriptor descriptor, long length, bool isReadOnly, string? target)
    {
        var protection = Libc.PROT_READ | (isReadOnly ? 0 : Libc.PROT_WRITE);
        var at = Libc.mmap(null, checked((nuint)length), protection, Libc.MAP_SHARED, descriptor, 0);
        return at != Libc.MAP_FAILED ? new MappedRegion((nint)at, length, isReadOnly, isGuarded: true) : throw IpcException.FromErrno("mmap", Marshal.GetLastPInvokeError(), target);
    }

    /// <summary>Keeps the region mapped until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It was unmapped.</exception>
    public Hold Enter() => new(this);

    /// <summary>Whether a range lies within.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(long offset, long count) => offset >= 0 && count >= 0 && offset <= Length - count;

    /// <inheritdoc/>
    protected override unsafe bool ReleaseHandle()
    {
        SigbusGuard.Remove(_guard);
        return Libc.munmap((void*)handle, (nuint)Length) == 0;
    }

    /// <summary>The right to touch the region, for as long as it is not disposed.</summary>
    internal readonly unsafe ref struct Hold
    {
        private readonly MappedRegion _region;

        public Hold(MappedRegion region)
        {
            var held = false;
            region.DangerousAddRef(ref held);
            _region = region;
        }

        /// <summary>Whose bytes these are.</summary>
        public MappedRegion Region => _region;

        /// <summary>The first byte.</summary>
        public byte* Start => (byte*)_region.handle;

        /// <summary>A range, checked.</summary>
        /// <exception cref="ArgumentOutOfRangeException">It is not within the region.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* At(long offset, long count)
        {
            if (!_region.Contains(offset, count)) throw new ArgumentOutOfRangeException(nameof(offset), $"{count} bytes at {offset} are not within {_region.Length}.");
            return Start + offset;
        }

        public void Dispose() => _region.DangerousRelease();
    }
}
