namespace IpcPs.Rings.Algorithm;

/// <summary>The steps of a ring's algorithm. Each method is one access to the memory that the participants share, and they share nothing
/// else. Over mapped memory (<see cref="MappedRingMemory"/>) the steps are inlined into machine instructions. Over simulated memory the
/// tests run the same algorithm through every interleaving of the steps.</summary>
internal interface IRingMemory
{
    /// <summary>Bytes that the ring holds; a power of two.</summary>
    long Capacity { get; }

    uint Token { get; }

    /// <summary>How many readers a <see cref="RingDelivery.BroadcastHold"/> ring can have.</summary>
    int SlotCount { get; }

    /// <summary>How often to check a lock before checking whether its owner is alive.</summary>
    int LockSpins { get; }

    /// <summary>Reads 8 bytes. No later access is done before it (acquire).</summary>
    long ReadLong(int field);

    /// <summary>Writes 8 bytes. No earlier access is done after it (release).</summary>
    void WriteLong(int field, long value);

    /// <summary>Reads 4 bytes. No later access is done before it (acquire).</summary>
    uint ReadWord(int field);

    /// <summary>Writes 4 bytes. No earlier access is done after it (release).</summary>
    void WriteWord(int field, uint value);

    /// <summary>Writes 4 bytes and returns the value before, atomically. A full fence.</summary>
    uint Exchange(int field, uint value);

    /// <summary>Writes 4 bytes if they have the expected value, and returns the value before, atomically. A full fence.</summary>
    uint CompareExchange(int field, uint value, uint expected);

    /// <summary>A full fence: no access moves across it.</summary>
    void Fence();

    /// <summary>Called between announcing a sleep and the last check before it. That check must see everything that any participant has
    /// stored until this call. Over mapped memory this is true only a moment later, so the first sleep is no longer than that
    /// moment.</summary>
    void Settle();

    /// <summary>Reads the 8 bytes before a message, once and in one piece. Every position is safe: it is masked to the ring's
    /// size.</summary>
    ulong ReadHeader(long position);

    void WriteHeader(long position, ulong header);

    /// <summary>Fetches cache lines, which no other participant reads now, for writing. Overwrites them.</summary>
    void Claim(long from, long to);

    /// <summary>Writes bytes of a message, at most <see cref="RingLayout.MaxMessage"/> after a header.</summary>
    void CopyIn(long position, ReadOnlySpan<byte> bytes);

    /// <summary>Reads bytes of a message, at most <see cref="RingLayout.MaxMessage"/> after a header.</summary>
    void CopyOut(long position, Span<byte> bytes);

    /// <summary>Whether the participant with that token still has the ring open.</summary>
    bool IsAlive(uint token);

    /// <summary>Whether any participant is attached as a writer, or as a reader.</summary>
    bool HasWriters();

    bool HasReaders();

    /// <summary>A short pause in a loop that checks a field.</summary>
    void Pause();

    /// <summary>Spins while a field has a value, for as long as spinning is worthwhile.</summary>
    /// <returns>Whether the field changed.</returns>
    bool SpinWait(int field, long value, in WaitOptions wait);

    /// <summary>Blocks while a sleepers' word has a value. It may return early, and does so when a participant has detached or
    /// died.</summary>
    /// <returns>False when the deadline passed.</returns>
    bool Sleep(int field, uint expected, in WaitOptions wait);

    /// <summary>Blocks for a short time, longer from round to round, while a lock's word has a value. A lock's dead owner wakes no
    /// sleeper.</summary>
    /// <returns>False when the deadline passed.</returns>
    bool SleepBriefly(int field, uint expected, int round, in WaitOptions wait);

    /// <summary>Wakes up to that many sleepers of a word.</summary>
    void Wake(int field, int count);
}

/// <summary>The result of an operation on a ring. It is not an exception, because it may be found while a lock is held.</summary>
internal enum RingOutcome
{
    Done,
    TimedOut,   // There is no message, or no buffer space, and the deadline has passed.
    WouldWait,  // There is no message, or no buffer space, now.
    NoPeers,    // The last participant of the other side has detached or died.
    Damaged,    // The ring's fields or messages contradict each other.
}
