namespace IpcPs.SharedMemory;

/// <summary>Shared memory as a span, which stays mapped until this is disposed. What other processes write is visible in it at
/// once.</summary>
public readonly unsafe ref struct SharedSpan
{
    private readonly MappedRegion.Hold _hold;
    private readonly byte* _start;
    private readonly int _count;

    internal SharedSpan(MappedRegion.Hold hold, long offset, int count)
    {
        _hold = hold;
        _start = hold.Start + offset;
        _count = count;
    }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => new(_start, _count);

    /// <summary>Whether the file of the memory had all bytes that were used. Check it after the last use of the span: bytes that another
    /// process has truncated are read as zeros, and what is written there is lost.</summary>
    public bool IsIntact => !_hold.Region.WasCut;

    /// <summary>Ends the use of the memory, which may then be unmapped.</summary>
    public void Dispose() => _hold.Dispose();

    internal void ThrowIfCut(SharedMemorySegment memory) => memory.ThrowIfCut(_hold);
}

/// <summary>Shared memory as a span for reading, which stays mapped until this is disposed. Other processes may still write to
/// it.</summary>
public readonly unsafe ref struct SharedReadOnlySpan
{
    private readonly MappedRegion.Hold _hold;
    private readonly byte* _start;
    private readonly int _count;

    internal SharedReadOnlySpan(MappedRegion.Hold hold, long offset, int count)
    {
        _hold = hold;
        _start = hold.Start + offset;
        _count = count;
    }

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => new(_start, _count);

    /// <inheritdoc cref="SharedSpan.IsIntact"/>
    public bool IsIntact => !_hold.Region.WasCut;

    /// <summary>Ends the use of the memory, which may then be unmapped.</summary>
    public void Dispose() => _hold.Dispose();

    internal void ThrowIfCut(SharedMemorySegment memory) => memory.ThrowIfCut(_hold);
}
