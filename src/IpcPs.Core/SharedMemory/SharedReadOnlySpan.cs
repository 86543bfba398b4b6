namespace IpcPs.SharedMemory;

/// <summary>Shared memory as a span for reading, which stays mapped until this is disposed. It is read-only for its holder; other processes may write.</summary>
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

    /// <summary>Lets the memory be unmapped again.</summary>
    public void Dispose() => _hold.Dispose();

    internal void ThrowIfCut(SharedMemorySegment memory) => memory.ThrowIfCut(_hold);
}
