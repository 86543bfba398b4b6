using System.Runtime.InteropServices;
using IpcPs.Pipes;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Tests.Rings.Model;

/// <summary>Everything there is at one moment: the ring, the participants, the kernel's knowledge of them.</summary>
internal sealed class ModelState
{
    public const int Slots = 2;

    // RingLayout.LockSleepers of both locks.
    private const int WriterLockSleepers = RingLayout.WriterLock + 4;
    private const int ReaderLockSleepers = RingLayout.ReaderLock + 4;

    private const int FieldCount = 10 + (2 * Slots);

    public long[] Memory { get; private init; } = new long[FieldCount + ModelMemory.Words];

    public required ModelActor[] Actors { get; init; }

    public required RingDelivery Delivery { get; init; }

    public int Kills { get; set; }

    /// <summary>Departures that the kernel has still to report.</summary>
    public int Departures { get; set; }

    public static int Field(int field) => field switch
    {
        RingLayout.Tail => 0,
        RingLayout.Head => 1,
        RingLayout.WriterLock => 2,
        RingLayout.ReaderLock => 3,
        RingLayout.DataSleepers => 4,
        RingLayout.SpaceSleepers => 5,
        RingLayout.WritersEver => 6,
        RingLayout.ReadersEver => 7,
        WriterLockSleepers => 8,
        ReaderLockSleepers => 9,
        _ => 10 + (2 * ((field - RingLayout.Slots) / RingLayout.SlotSize))
            + ((field - RingLayout.Slots) % RingLayout.SlotSize == RingLayout.SlotCursor ? 1 : 0),
    };

    public static int Data(long position) => FieldCount + (int)(position / 8 % ModelMemory.Words);

    public ModelState Copy() => new()
    {
        Memory = [.. Memory],
        Actors = [.. Actors.Select(static a => a.Copy())],
        Delivery = Delivery,
        Kills = Kills,
        Departures = Departures,
    };

    /// <summary>futex(2), FUTEX_WAKE.</summary>
    public void Wake(int field, int count)
    {
        foreach (var actor in Actors)
        {
            if (actor.Status == ActorStatus.Sleeping && actor.SleepsOn == field && count-- > 0) Wake(actor);
        }
    }

    public void WakeOne(int index) => Wake(Actors[index]);

    /// <summary>Whether a participant sleeps briefly on a lock whose owner was killed, in the lock or between releasing it and waking. Such
    /// a sleep always ends by itself; the model ends it only if nothing else does.</summary>
    public bool NapsOnDead(int index)
    {
        var actor = Actors[index];
        if (Kills == 0 || actor.Status != ActorStatus.Sleeping
            || (actor.SleepsOn != Field(WriterLockSleepers) && actor.SleepsOn != Field(ReaderLockSleepers))) return false;
        var owner = (uint)Memory[Field(actor.SleepsOn == Field(WriterLockSleepers) ? RingLayout.WriterLock : RingLayout.ReaderLock)];
        return owner == 0 || Actors.Any(a => a.Token == owner && a.Status == ActorStatus.Dead);
    }

    private static void Wake(ModelActor actor)
    {
        actor.Status = ActorStatus.Ready;
        actor.SleepsOn = -1;
        actor.Results.Add(1);
    }

    /// <summary>The oldest store in a participant's buffer is seen by all from now on.</summary>
    public (int At, long Value) Drain(ModelActor actor)
    {
        var (at, value) = actor.Buffer[0];
        actor.Buffer.RemoveAt(0);
        Memory[at] = value;
        if (actor.Settled > 0) actor.Settled--;
        return (at, value);
    }

    /// <summary>SIGKILL. The stores of finished operations reach memory, because a processor loses none. The other stores count as not
    /// made; the interleaving in which they reached memory before is another case.</summary>
    public void Kill(int index)
    {
        var actor = Actors[index];
        while (actor.Settled > 0) Drain(actor);
        actor.Status = ActorStatus.Dead;
        actor.SleepsOn = -1;
        actor.IsAttached = false;
        actor.Buffer.Clear();
        Kills++;
        Departures++;
    }

    /// <summary>What <see cref="RingParticipant.OnFileEvent"/> does in every process when the kernel says that a file was closed.</summary>
    public void ReportDepartures()
    {
        Departures = 0;
        foreach (var field in new[] { RingLayout.DataSleepers, RingLayout.SpaceSleepers })
        {
            if ((Memory[Field(field)] & 1) != 0) Memory[Field(field)]++;
            Wake(Field(field), int.MaxValue);
        }
    }

    /// <summary>Two numbers that two different states hardly share.</summary>
    public (ulong, ulong) Fingerprint()
    {
        var hash = new Mix();
        foreach (var word in Memory) hash.Add((ulong)word);
        hash.Add((ulong)((Kills * 100) + Departures));
        foreach (var actor in Actors)
        {
            hash.Add((ulong)(((int)actor.Status * 1000) + (actor.Done * 10) + (actor.IsAttached ? 1 : 0)));
            hash.Add((ulong)actor.SleepsOn);
            // A participant that has finished or died is the same, whatever its state was.
            if (actor.Status is ActorStatus.Ready or ActorStatus.Sleeping)
            {
                foreach (var result in actor.Results) hash.Add((ulong)result);
                hash.Add(0xEEEE_1000 + (ulong)actor.Settled);
                foreach (var (at, value) in actor.Buffer)
                {
                    hash.Add((ulong)at);
                    hash.Add((ulong)value);
                }
                hash.Add(0xEEEE_0002);
                var writer = actor.Writer;
                var reader = actor.Reader;
                hash.Add(MemoryMarshal.AsBytes(new ReadOnlySpan<RingWriter<ModelMemory>>(in writer)));
                hash.Add(MemoryMarshal.AsBytes(new ReadOnlySpan<RingReader<ModelMemory>>(in reader)));
            }
            foreach (var message in actor.Log) hash.Add((ulong)message);
            hash.Add((ulong)actor.Lost + 0xEEEE_0003);
        }
        return hash.Result;
    }

    private struct Mix()
    {
        private ulong _first = 0x9E37_79B9_7F4A_7C15;
        private ulong _second = 0xC2B2_AE3D_27D4_EB4F;

        public readonly (ulong, ulong) Result => (_first, _second);

        public void Add(ulong value)
        {
            _first = (_first ^ value) * 0x9FB2_1C65_1E98_DF25;
            _first ^= _first >> 29;
            _second = (_second + value) * 0xFF51_AFD7_ED55_8CCD;
            _second ^= _second >> 33;
        }

        public void Add(ReadOnlySpan<byte> bytes)
        {
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) Add(word);
            foreach (var one in bytes[(bytes.Length & ~7)..]) Add(one);
        }
    }
}
