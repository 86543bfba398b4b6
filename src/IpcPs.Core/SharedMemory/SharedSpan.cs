namespace IpcPs.SharedMemory;

/// <summary>Shared memory as a span, which stays mapped until this is disposed. What other processes write is seen in it at once.</summary>
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

    /// <summary>Whether the file behind the memory had all that was touched. Looked at after the last use of the span: what another process cut off reads as
    /// zeros, and what is written there is lost.</summary>
    public bool IsIntact => !_hold.Region.WasCut;

    /// <summary>Lets the memory be unmapped again.</summary>
    public void Dispose() => _hold.Dispose();

    internal void ThrowIfCut(SharedMemorySegment memory) => memory.ThrowIfCut(_hold);
}
