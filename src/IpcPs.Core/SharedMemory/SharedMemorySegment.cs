namespace IpcPs.SharedMemory;

/// <summary>Memory that several processes have in their address spaces: what one writes the others see at once, without a system call and without a copy
/// through the kernel. Nothing orders the accesses: that is what semaphores, mutexes and the atomic operations are for.</summary>
/// <remarks>Every access is checked against the size. Safe for use by several threads, also while one closes or resizes it; a copy of many bytes is no atomic
/// operation. Numbers are in the machine's byte order (little-endian on x64 and arm64), as a C program has them.</remarks>
public abstract partial class SharedMemorySegment : IpcObject, IIpcPermissions
{
    private readonly object _remapping = new();
    private MappedRegion _region;

    private protected SharedMemorySegment(IpcAddress address, MappedRegion region) : base(address) => _region = region;

    /// <summary>Bytes that this process has mapped. One that another process has enlarged meanwhile is mapped anew when what it gained is first used, or
    /// by <see cref="Refresh"/>.</summary>
    public long Size => Volatile.Read(ref _region).Length;

    /// <summary>Whether the pages refuse writing.</summary>
    public bool IsReadOnly => Volatile.Read(ref _region).IsReadOnly;

    /// <inheritdoc/>
    public abstract UnixFileMode Mode { get; set; }

    /// <inheritdoc/>
    public abstract string Owner { get; set; }

    /// <inheritdoc/>
    public abstract string Group { get; set; }

    /// <summary>How many times it is attached, in all processes, where the kernel counts that (System V), else null.</summary>
    public virtual long? AttachCount => null;

    /// <summary>The process that created it, where the kernel remembers that (System V), else null.</summary>
    public virtual int? CreatorId => null;

    /// <summary>The process that attached or detached last, where the kernel remembers that (System V), else null.</summary>
    public virtual int? LastProcessId => null;

    /// <summary>Changes the size, for every process; what is gained is zero, what is cut off is gone.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotSupported"/>: the kernel can't; <see cref="IpcErrors.LimitReached"/>: no room,
    /// and the size is as before.</exception>
    public abstract void Resize(long size, CancellationToken cancellation = default);

    /// <summary>Maps it anew where another process has changed its size.</summary>
    /// <returns>The size now.</returns>
    public long Refresh()
    {
        ThrowIfClosed();
        TryRemap(Volatile.Read(ref _region));
        return Size;
    }

    /// <summary>A new mapping where the object's size is no longer the region's, or where the region was cut; else null.</summary>
    private protected virtual MappedRegion? MapAgain(MappedRegion current) => null;

    /// <summary>The object's size now; asked where no guard protects a mapping of a file that others may cut.</summary>
    private protected virtual long CurrentSize(MappedRegion current) => current.Length;

    /// <summary>Enters the region at a range that is within it.</summary>
    private protected MappedRegion.Hold Enter(long offset, long count, bool write)
    {
        while (true)
        {
            ThrowIfClosed();
            var region = Volatile.Read(ref _region);
            if (write && region.IsReadOnly)
                throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is open for reading only.", Address.Text, "Open it with access ReadWrite; its mode must allow this user to write.") { Advice = IpcAdvice.OpenWithAccess };
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
                // Closed, which the next round says, or mapped anew.
            }
        }
    }

    /// <summary>Throws when a page was missing under the access that just was made.</summary>
    internal void ThrowIfCut(in MappedRegion.Hold hold)
    {
        if (!hold.Region.WasCut) return;
        TryRemap(hold.Region);
        throw new IpcException(IpcErrors.OutOfRange, $"Another process has cut '{Address}' to {CurrentSize(hold.Region)} bytes, or its file system is full.", Address.Text,
            "Agree on the size between the processes, or use a kind that cannot be cut: without a name, or System V.") { Advice = IpcAdvice.UseFixedMemory };
    }

    /// <summary>Throws when an atomic operation would be none.</summary>
    private protected void RequireAligned(long offset, int size)
    {
        if (offset % size != 0) throw IpcException.Argument($"An atomic operation on {size} bytes needs an offset that is a multiple of {size}, and {offset} is not.", Address.Text);
    }

    /// <summary>The exception for a range that is not within.</summary>
    private protected IpcException OutOfRange(long offset, long count, long size) =>
        new(IpcErrors.OutOfRange, $"{count} bytes at offset {offset} are not within '{Address}', which has {size} bytes.", Address.Text, "Offsets begin at 0.");

    /// <summary>Puts a new mapping in the place of one that no longer fits.</summary>
    private bool TryRemap(MappedRegion seen)
    {
        lock (_remapping)
        {
            // Somebody else was faster.
            if (_region != seen) return true;
            if (IsClosed || MapAgain(seen) is not { } fresh) return false;
            Volatile.Write(ref _region, fresh);
            // Carried out when the last access to it is over.
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
