using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.SharedMemory;

/// <summary>Shared memory in the address space of this process (mmap(2)), which is never unmapped while another thread uses it.</summary>
/// <remarks>Every access has a <see cref="Hold"/>. If another thread closes the region, it is unmapped when the last one is disposed. If
/// <see cref="SigbusGuard"/> is active, access to what a truncated file no longer has does not end the process. It sets
/// <see cref="WasCut"/>.
/// Calls: mmap(2), munmap(2).</remarks>
internal class MappedRegion : SafeHandle
{
    private readonly int _guard = -1;

    /// <summary>Takes ownership of a mapping.</summary>
    protected MappedRegion(nint address, long length, bool isReadOnly, bool isGuarded) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
        IsReadOnly = isReadOnly;
        if (isGuarded) _guard = SigbusGuard.Add(address, length);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>The length in bytes.</summary>
    public long Length { get; }

    /// <summary>Whether the pages are mapped for reading only.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Whether the process survives the truncation of the file. If not, the file's size is checked before each access.</summary>
    public bool IsGuarded => _guard >= 0;

    /// <summary>Whether there was an access to what the file no longer has. What was read since is not valid, and what was written is
    /// lost.</summary>
    public bool WasCut => SigbusGuard.WasCut(_guard);

    /// <summary>Maps the first <paramref name="length"/> bytes of a file, shared.</summary>
    /// <param name="descriptor">The file, which may be closed afterwards.</param>
    /// <param name="length">The number of bytes, which the file should have.</param>
    /// <param name="isReadOnly">Whether to map for reading only.</param>
    /// <param name="target">The object's address, for errors.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/> (address space),
    /// <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static unsafe MappedRegion Map(SafeDescriptor descriptor, long length, bool isReadOnly, string? target)
    {
        var protection = Libc.PROT_READ | (isReadOnly ? 0 : Libc.PROT_WRITE);
        var at = Libc.mmap(null, checked((nuint)length), protection, Libc.MAP_SHARED, descriptor, 0);
        return at != Libc.MAP_FAILED
            ? new MappedRegion((nint)at, length, isReadOnly, isGuarded: true)
            : throw IpcException.FromErrno("mmap", Marshal.GetLastPInvokeError(), target);
    }

    /// <summary>Keeps the region mapped until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It was unmapped.</exception>
    public Hold Enter() => new(this);

    /// <summary>Whether a range is inside of the region.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(long offset, long count) => offset >= 0 && count >= 0 && offset <= Length - count;

    /// <inheritdoc/>
    protected override unsafe bool ReleaseHandle()
    {
        SigbusGuard.Remove(_guard);
        return Libc.munmap((void*)handle, (nuint)Length) == 0;
    }

    /// <summary>Keeps the region mapped until it is disposed.</summary>
    internal readonly unsafe ref struct Hold
    {
        private readonly MappedRegion _region;

        public Hold(MappedRegion region)
        {
            var held = false;
            region.DangerousAddRef(ref held);
            _region = region;
        }

        /// <summary>The region.</summary>
        public MappedRegion Region => _region;

        /// <summary>The first byte.</summary>
        public byte* Start => (byte*)_region.handle;

        /// <summary>The first byte of a range, which is checked.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The range is not inside of the region.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* At(long offset, long count)
        {
            if (!_region.Contains(offset, count))
                throw new ArgumentOutOfRangeException(nameof(offset), $"{count} bytes at {offset} are outside of {_region.Length} bytes.");
            return Start + offset;
        }

        public void Dispose() => _region.DangerousRelease();
    }
}
