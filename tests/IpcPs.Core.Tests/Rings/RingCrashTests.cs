using System.Diagnostics;
using System.Globalization;
using IpcPs.Linux;
using IpcPs.Pipes;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using IpcPs.Signals;
using IpcPs.Tests.Peers;
using Xunit;
using Xunit.Abstractions;

namespace IpcPs.Tests.Rings;

/// <summary>Writers and readers that are killed, kill -9, whatever they are doing, and every message accounted for.</summary>
public sealed class RingCrashTests(ITestOutputHelper output) : IDisposable
{
    private const int Batch = 40;

    private readonly IpcAddress _address = IpcAddress.Parse($"ring:/crash-{Guid.NewGuid():N}");
    private readonly Random _random = new(4711);
    private readonly List<CrashLedger> _ledgers = [];
    private readonly List<Child> _writers = [];
    private readonly List<Child> _readers = [];
    private readonly List<Child> _spare = [];

    public void Dispose()
    {
        foreach (var child in _writers.Concat(_readers).Concat(_spare).Where(static c => c.IsAlive)) child.Kill();
        foreach (var ledger in _ledgers) ledger.Dispose();
        File.Delete(RingFile.PathOf(_address));
    }

    [Theory]
    [InlineData(RingDelivery.Queue, 450)]
    [InlineData(RingDelivery.BroadcastHold, 60)]
    public void Whoever_is_killed_the_others_go_on_and_nothing_that_was_sent_is_lost(RingDelivery delivery, int kills)
    {
        using var ring = MessageRing.Create(_address, new RingOptions { Capacity = 64 * 1024, Delivery = delivery });
        for (var i = 0; i < 2; i++)
        {
            Go(_readers, writes: false);
            Go(_writers, writes: true);
        }
        for (var i = 0; i < kills; i++)
        {
            var side = i % 2 == 0 ? _writers : _readers;
            var alive = side.Where(static c => c.IsAlive).ToList();
            // A reader whose ledger fills is next: on a fast machine chance may spare it for millions of messages.
            var victim = alive.Find(static c => !c.Writes && c.Ledger.Count > CrashLedger.MaxMessages / 2)
                ?? alive[_random.Next(alive.Count)];
            AwaitProgress(ring);
            // Anywhere in some hundred operations.
            for (var spins = _random.Next(20_000); spins > 0; spins--) Thread.SpinWait(1);
            victim.Kill();
            Go(side, writes: i % 2 == 0);
        }
        AwaitProgress(ring);
        foreach (var writer in _writers.Where(static w => w.IsAlive)) writer.Kill();
        if (delivery == RingDelivery.Queue) JudgeQueue(ring);
        else JudgeBroadcast();
    }

    /// <summary>Until everybody that lives has got something done since now: who hangs is found here, and not by the account.</summary>
    private void AwaitProgress(MessageRing ring)
    {
        var since = Stopwatch.StartNew();
        foreach (var child in _writers.Concat(_readers).Where(static c => c.IsAlive))
        {
            var before = child.Ledger.Count;
            while (child.Ledger.Count == before)
            {
                Assert.False(child.Process.HasExited, "A peer has ended by itself.");
                if (since.Elapsed > TimeSpan.FromMinutes(1))
                    Assert.Fail($"A {(child.Writes ? "writer" : "reader")} hangs with {before}: {Describe(ring.Memory)}");
                Thread.Yield();
            }
        }
    }

    private static string Describe(in MappedRingMemory memory) =>
        $"tail {memory.ReadLong(RingLayout.Tail)}, head {memory.ReadLong(RingLayout.Head)}, "
        + $"locks {memory.ReadWord(RingLayout.WriterLock):x} {memory.ReadWord(RingLayout.ReaderLock):x}, "
        + $"sleepers {memory.ReadWord(RingLayout.DataSleepers)} {memory.ReadWord(RingLayout.SpaceSleepers)}";

    private void JudgeQueue(MessageRing ring)
    {
        // The readers that are left empty the ring: then they are idle, and hold nothing.
        var since = Stopwatch.StartNew();
        while (ring.PendingBytes > 0) Assert.True(since.Elapsed < TimeSpan.FromMinutes(1), "The ring is not emptied.");
        foreach (var reader in _readers.Where(static r => r.IsAlive)) reader.Finish(ring);
        var killed = _readers.Count - 2;
        var all = _readers.SelectMany(static r => r.Ledger.Received).ToList();
        Assert.DoesNotContain(-1, all);
        Assert.Equal(all.Count, all.Distinct().Count());
        foreach (var reader in _readers) AssertOrdered(reader.Ledger.Received);
        var byWriter = all.ToLookup(static m => m >> 32, static m => m & 0xFFFF_FFFF);
        var lost = 0;
        for (var w = 0; w < _writers.Count; w++)
        {
            var sent = _writers[w].Ledger.Count;
            var got = byWriter[w + 1].ToHashSet();
            // The last one was sent, or not, when the writer died.
            Assert.True(got.Count == 0 || got.Max() <= sent + 1);
            lost += (int)sent - got.Count(n => n <= sent);
        }
        output.WriteLine($"{_writers.Count} writers, {_readers.Count} readers, {all.Count} messages received, "
            + $"{lost} lost with {killed} readers that were killed");
        Assert.InRange(lost, 0, killed);
    }

    private void JudgeBroadcast()
    {
        foreach (var reader in _readers)
        {
            var received = reader.Ledger.Received.ToList();
            Assert.DoesNotContain(-1, received);
            AssertOrdered(received);
            // From its first message of a writer to its last one it missed none.
            foreach (var one in received.GroupBy(static m => m >> 32)) Assert.Equal(one.Last() - one.First() + 1, one.Count());
        }
    }

    private static void AssertOrdered(IEnumerable<long> messages)
    {
        var last = new Dictionary<long, long>();
        foreach (var message in messages)
        {
            Assert.True(message > last.GetValueOrDefault(message >> 32));
            last[message >> 32] = message;
        }
    }

    // Processes take longer to start than to be killed: many are on the mark. They are started while those that run are stopped, wherever
    // that is, which would leave them no core.
    private void Go(List<Child> side, bool writes)
    {
        if (!_spare.Exists(c => c.Writes == writes))
        {
            var running = _writers.Concat(_readers).Where(static c => c.IsAlive).ToList();
            running.ForEach(static c => c.Signal(Libc.SIGSTOP));
            var started = Enumerable.Range(0, Batch).Select(i => Prepare(i % 2 == 0)).ToList();
            started.ForEach(static c => c.Process.StandardOutput.ReadLine());
            _spare.AddRange(started);
            running.ForEach(static c => c.Signal(SignalTable.SIGCONT));
        }
        var child = _spare.Find(c => c.Writes == writes)!;
        _spare.Remove(child);
        side.Add(child);
        child.Process.StandardInput.WriteLine(_writers.Count.ToString(CultureInfo.InvariantCulture));
    }

    private Child Prepare(bool writes)
    {
        var ledger = new CrashLedger(Path.Combine(Path.GetTempPath(), $"ipcps-crash-{Guid.NewGuid():N}"));
        _ledgers.Add(ledger);
        return new Child(DotnetPeer.Start("ring-crash", writes ? "write" : "read", _address.Text, ledger.Path), ledger, writes);
    }

    private sealed record Child(Process Process, CrashLedger Ledger, bool Writes)
    {
        public bool IsAlive { get; private set; } = true;

        public void Kill()
        {
            Process.Kill();
            Process.WaitForExit();
            Process.Dispose();
            IsAlive = false;
        }

        public void Signal(int signal) => Assert.Equal(0, Libc.kill(Process.Id, signal));

        /// <summary>Ends an idle reader.</summary>
        public void Finish(MessageRing ring)
        {
            // Until it has noted what it took.
            while (ring.PendingBytes > 0) Thread.Yield();
            var count = -1L;
            while (count != Ledger.Count || !IsAsleep()) count = Ledger.Count;
            Kill();
        }

        private bool IsAsleep() => Directory.EnumerateDirectories($"/proc/{Process.Id}/task")
            .All(static t => !File.ReadAllText(t + "/stat").Split(") ")[1].StartsWith('R'));
    }
}
