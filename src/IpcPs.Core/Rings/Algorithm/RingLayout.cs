namespace IpcPs.Rings.Algorithm;

/// <summary>Where things are in a ring's file, as docs/wire-format.md lays it out. What different processes write lies 128 bytes apart: one line for each
/// and one for the neighbour that the processor fetches with it.</summary>
internal static class RingLayout
{
    /// <summary>"IPCPRING", little-endian.</summary>
    public const ulong Magic = 0x474E_4952_5043_5049;

    public const uint Version = 1;

    // Written once, before the file has a name.
    public const int MagicAt = 0x000;
    public const int VersionAt = 0x008;
    public const int DeliveryAt = 0x00C;
    public const int CapacityAt = 0x010;
    public const int DataOffsetAt = 0x018;
    public const int SlotCountAt = 0x01C;
    public const int FlagsAt = 0x020;

    /// <summary>Position behind the last message that was committed: storing it is what commits.</summary>
    public const int Tail = 0x080;

    /// <summary>Position of the first message that nobody has taken (queue), or that was not dropped (broadcast that drops). Storing it is what takes.</summary>
    public const int Head = 0x100;

    /// <summary>Token of the participant that is writing; 0 for none. Behind it lies the futex of those who wait for the lock (<see cref="LockSleepers"/>).</summary>
    public const int WriterLock = 0x180;

    /// <summary>The same for who is taking a message from a queue.</summary>
    public const int ReaderLock = 0x200;

    /// <summary>Futex: odd while a reader may sleep until there is a message.</summary>
    public const int DataSleepers = 0x280;

    /// <summary>Futex: odd while a writer may sleep until there is room.</summary>
    public const int RoomSleepers = 0x300;

    /// <summary>A hint for the next participant's token.</summary>
    public const int NextToken = 0x380;

    /// <summary>How many writers ever attached.</summary>
    public const int WritersEver = 0x384;

    /// <summary>How many readers ever attached.</summary>
    public const int ReadersEver = 0x388;

    /// <summary>Readers of a broadcast that holds: their tokens and cursors.</summary>
    public const int Slots = 0x1000;

    public const int SlotCount = 64;
    public const int SlotSize = 128;
    public const int SlotToken = 0;
    public const int SlotCursor = 64;

    /// <summary>Where the messages begin: a multiple of every page size that Linux has on our architectures.</summary>
    public const int DataOffset = 0x10000;

    /// <summary>A token has 31 bits.</summary>
    public const uint TokenMask = 0x7FFF_FFFF;

    public const uint PersistentFlag = 1;

    public const long MinCapacity = 64 * 1024;
    public const long MaxCapacity = 1L << 30;
    public const long DefaultCapacity = 1024 * 1024;

    /// <summary>Bytes before each message: its length in 32 bits, its number in 32.</summary>
    public const int RecordHeader = 8;

    /// <summary>The largest message: two of them fit, so that one can be written while another is read.</summary>
    public static long MaxMessage(long capacity) => (capacity / 2) - (2 * RecordHeader);

    /// <summary>What a message takes up: positions are multiples of 8, so that a header is read in one piece.</summary>
    public static long RecordSize(long length) => RecordHeader + ((length + 7) & ~7L);

    /// <summary>Futex: odd while somebody may sleep until a lock is free.</summary>
    public static int LockSleepers(int lockField) => lockField + 4;

    public static int Slot(int index) => Slots + (index * SlotSize);
}
