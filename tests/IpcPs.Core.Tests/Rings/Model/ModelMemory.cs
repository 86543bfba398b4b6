using System.Runtime.InteropServices;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Tests.Rings.Model;

/// <summary>The ring's steps over a <see cref="ModelRun"/>: the same algorithm that runs over mapped memory. It has no references, so
/// that an algorithm's own fields can be copied and compared as bytes.</summary>
internal readonly struct ModelMemory(uint token) : IRingMemory
{
    /// <summary>Space for two messages of one word each, and for the number after the last.</summary>
    public const int Words = 6;

    public long Capacity => Words * 8;

    public uint Token => token;

    public int SlotCount => ModelState.Slots;

    public int LockSpins => 0;

    private static ModelRun Run => ModelRun.Current!;

    public long ReadLong(int field) => Run.Read(ModelState.Field(field));

    public void WriteLong(int field, long value) => Run.Store(ModelState.Field(field), value);

    public uint ReadWord(int field) => (uint)Run.Read(ModelState.Field(field));

    public void WriteWord(int field, uint value) => Run.Store(ModelState.Field(field), value);

    public uint Exchange(int field, uint value) => (uint)Run.Exchange(ModelState.Field(field), value);

    public uint CompareExchange(int field, uint value, uint expected) =>
        (uint)Run.CompareExchange(ModelState.Field(field), value, expected);

    public void Fence() => Run.Fence();

    public void Settle() => Run.Settle();

    public ulong ReadHeader(long position) => (ulong)Run.Read(ModelState.Data(position));

    public void WriteHeader(long position, ulong header) => Run.Store(ModelState.Data(position), (long)header);

    public void Claim(long from, long to)
    {
        // Has no effect: no participant reads there.
    }

    public void CopyIn(long position, ReadOnlySpan<byte> bytes) => Run.Store(ModelState.Data(position), MemoryMarshal.Read<long>(bytes));

    public void CopyOut(long position, Span<byte> bytes)
    {
        var word = Run.Read(ModelState.Data(position));
        MemoryMarshal.Write(bytes, in word);
    }

    public bool IsAlive(uint other) =>
        Run.Ask(static (state, other) => state.Actors.Any(a => a.Token == other && a.Status != ActorStatus.Dead), other);

    public bool HasWriters() => Run.Ask(static (state, _) => state.Actors.Any(static a => a.IsWriter && a.IsAttached), 0);

    public bool HasReaders() => Run.Ask(static (state, _) => state.Actors.Any(static a => !a.IsWriter && a.IsAttached), 0);

    public void Pause()
    {
    }

    public bool SpinWait(int field, long value, in WaitOptions wait) => false;

    public bool Sleep(int field, uint expected, in WaitOptions wait) => Run.Sleep(ModelState.Field(field), expected);

    // Without the timeout of the real one. What makes progress without a timeout makes progress with one.
    public bool SleepBriefly(int field, uint expected, int round, in WaitOptions wait) => Run.Sleep(ModelState.Field(field), expected);

    public void Wake(int field, int count) => Run.Wake(ModelState.Field(field), count);
}
