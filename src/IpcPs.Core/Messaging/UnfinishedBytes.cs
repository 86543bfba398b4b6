namespace IpcPs.Messaging;

/// <summary>The bytes of messages that have arrived only in part, or that no receive has asked for yet: how many a connection holds, and
/// all connections of this process together. A peer decides how many messages it begins, so that the sum has a limit.</summary>
/// <param name="address">The connection's address, for errors.</param>
internal sealed class UnfinishedBytes(IpcAddress address)
{
    // A buffer that every connection may have is not counted.
    private const int Free = 64 * 1024;

    private static long s_total;
    private long _mine;

    ~UnfinishedBytes() => Interlocked.Add(ref s_total, -_mine);

    /// <summary>The most that all connections hold together: a quarter of the memory that the runtime may use, which is the machine's, or
    /// the limit of the container or of the heap. A buffer that grows is there twice, and up to half of it is empty.</summary>
    public static long Limit { get; } = Math.Max(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, 16 * 1024 * 1024);

    /// <summary>Whether the connection holds bytes that count.</summary>
    public bool IsCounted => _mine != 0;

    /// <summary>Sets how many bytes the connection holds.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: these are too many.</exception>
    public void Set(long bytes)
    {
        var counted = bytes <= Free ? 0 : bytes;
        var change = counted - _mine;
        if (change == 0) return;
        if (Interlocked.Add(ref s_total, change) > Limit && change > 0)
        {
            Interlocked.Add(ref s_total, -change);
            throw new IpcException(IpcErrors.LimitReached,
                $"Unfinished messages hold as much memory as this process allows for them, {Limit} bytes, and another one on "
                + $"'{address}' has {bytes} bytes so far.", address.Text,
                "Receive with fewer connections at once, send in smaller parts, or pass large data in shared memory.")
            { Advice = IpcAdvice.UseSharedMemory };
        }
        _mine = counted;
    }
}
