namespace IpcPs.Rings.Algorithm;

/// <summary>The steps that a ring's algorithm is made of: each method is one access to what the participants share, and nothing else is shared. Over mapped
/// memory (<see cref="MappedRingMemory"/>) they are inlined into machine instructions; over a simulated one the tests run the same
/// algorithm through every interleaving of them.</summary>
internal interface IRingMemory
{
    /// <summary>Bytes that the ring holds; a power of two.</summary>
    long Capacity { get; }

    /// <summary>This participant's token.</summary>
    uint Token { get; }

    /// <summary>How many readers a broadcast that holds may have.</summary>
    int SlotCount { get; }

    /// <summary>How often a taken lock is looked at before its owner is suspected.</summary>
    int LockSpins { get; }

    /// <summary>Reads 8 bytes; nothing after it is done before it.</summary>
    long ReadLong(int field);

    /// <summary>Writes 8 bytes; nothing before it is done after it.</summary>
    void WriteLong(int field, long value);

    /// <summary>Reads 4 bytes; nothing after it is done before it.</summary>
    uint ReadWord(int field);

    /// <summary>Writes 4 bytes; nothing before it is done after it.</summary>
    void WriteWord(int field, uint value);

    /// <summary>Writes and returns what was there, at once; nothing moves across it.</summary>
    uint Exchange(int field, uint value);

    /// <summary>Writes where the expected value is there, and returns what was there; nothing moves across it.</summary>
    uint CompareExchange(int field, uint value, uint expected);

    /// <summary>Nothing moves across it.</summary>
    void Fence();

    /// <summary>Between saying that one sleeps and the last look before the sleep: what any participant has stored until then is seen afterwards. Over mapped memory that is so a moment later, and
    /// the first sleep is no longer than that.</summary>
    void Settle();

    /// <summary>Reads the 8 bytes before a message, once and in one piece. Any position is safe: it is cut to the ring.</summary>
    ulong ReadHeader(long position);

    /// <summary>Writes the 8 bytes before a message.</summary>
    void WriteHeader(long position, ulong header);

    /// <summary>Makes the cache lines from a position on, which nobody else looks at now, this processor's own. Changes what is in them.</summary>
    void Claim(long from, long to);

    /// <summary>Writes bytes of a message, at most <see cref="RingLayout.MaxMessage"/> behind a header.</summary>
    void CopyIn(long position, ReadOnlySpan<byte> bytes);

    /// <summary>Reads bytes of a message, at most <see cref="RingLayout.MaxMessage"/> behind a header.</summary>
    void CopyOut(long position, Span<byte> bytes);

    /// <summary>Whether the participant with that token still has the ring open.</summary>
    bool IsAlive(uint token);

    /// <summary>Whether any participant is attached as a writer.</summary>
    bool HasWriters();

    /// <summary>Whether any participant is attached as a reader.</summary>
    bool HasReaders();

    /// <summary>A moment's rest in a short loop.</summary>
    void Pause();

    /// <summary>Spins for as long as that pays while a field has a value.</summary>
    /// <returns>Whether it changed.</returns>
    bool Linger(int field, long value, in WaitOptions wait);

    /// <summary>Blocks while one of the sleepers' words has a value; may return early, and does whenever a participant has left or died.</summary>
    /// <returns>False when the deadline passed.</returns>
    bool Sleep(int field, uint expected, in WaitOptions wait);

    /// <summary>Blocks for a short while, a longer one from round to round, while a lock has a value: its owner's death wakes nobody.</summary>
    /// <returns>False when the deadline passed.</returns>
    bool SleepBriefly(int field, uint expected, int round, in WaitOptions wait);

    /// <summary>Wakes up to that many who sleep on a word.</summary>
    void Wake(int field, int count);
}
