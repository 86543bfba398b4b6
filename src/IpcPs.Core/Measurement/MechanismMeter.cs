using System.Diagnostics;
using System.Globalization;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Signals;

namespace IpcPs.Measurement;

/// <summary>Measures mechanisms between this process and a peer, which runs <see cref="LoadPeer"/>.</summary>
/// <param name="control">The channel to the peer.</param>
/// <param name="peerId">The peer's process id.</param>
public sealed class MechanismMeter(IpcChannel control, int peerId)
{
    private const int MostTrips = 20_000;
    private const int MostMessages = 1_000_000;
    private const int Fewest = 50;
    private const int FirstCount = 200;
    private const int WarmUps = 2;
    private const int Rest = 150;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    // What a measurement takes where the caller does not say how many.
    private static readonly TimeSpan Wanted = TimeSpan.FromMilliseconds(120);

    private readonly MessageBuffer _answer = new();
    private readonly HashSet<MeasuredMechanism> _warm = [];

    private readonly record struct Load(double Seconds, long PeerNanoseconds, long OwnNanoseconds);

    /// <summary>Measures one mechanism with messages of one size, and removes the objects that it made.</summary>
    /// <param name="mechanism">The mechanism.</param>
    /// <param name="size">Bytes a message. A signal always carries 8.</param>
    /// <param name="count">How many round trips, and how many messages; null for what takes a tenth of a second.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <exception cref="IpcException">The machine lacks the mechanism, the message is too long for it, or the peer failed.</exception>
    public MechanismMeasurement Measure(MeasuredMechanism mechanism, int size, int? count = null, CancellationToken cancellation = default)
    {
        switch (mechanism)
        {
            case MeasuredMechanism.Signal:
                return MeasureSignal(count, cancellation);
            case MeasuredMechanism.SharedMemory:
                return MeasureMemory(size, count, cancellation);
        }
        using var rig = MeasurementRig.Create(mechanism);
        if (size > rig.MaxMessageSize)
        {
            throw new IpcException(IpcErrors.MessageTooLarge,
                $"A message of {size} bytes is larger than the {rig.MaxMessageSize} bytes that it can have.");
        }
        var payload = new byte[size];
        return Measure(mechanism, size, count, RoundTrips, mechanism == MeasuredMechanism.Udp ? null : OneWay, cancellation);

        Load RoundTrips(int number, long[] ticks) => Run($"echo {number} {rig.PeerOpens}", (address, wait) =>
        {
            var (send, receive) = rig.Connect(address, wait);
            return (() => ChannelLoad.RoundTrips(send, receive, payload, number, rig.Options, wait, ticks), () => rig.Disconnect(send));
        }, cancellation);

        Load OneWay(int number) => Run($"count {number} {rig.PeerCounts}", (address, wait) =>
        {
            var (send, _) = rig.Connect(address, wait);
            return (() => ChannelLoad.Pour(send, payload, number, atOnce: false, rig.Options, wait), () => rig.Disconnect(send));
        }, cancellation);
    }

    private MechanismMeasurement MeasureMemory(int size, int? count, CancellationToken cancellation)
    {
        var payload = new byte[size];
        return Measure(MeasuredMechanism.SharedMemory, size, count, RoundTrips, OneWay, cancellation);

        Load RoundTrips(int number, long[] ticks) =>
            Memory("memory-echo", number, (memory, wait) => memory.RoundTrips(payload, number, wait, ticks));

        Load OneWay(int number) => Memory("memory-count", number, (memory, wait) => memory.Pour(payload, number, wait));

        Load Memory(string command, int number, Action<MemoryLoad, WaitOptions> load)
        {
            using var memory = MemoryLoad.Create(size);
            return Run(string.Create(CultureInfo.InvariantCulture, $"{command} {number} {size} {memory.Name}"),
                (_, wait) => (() => load(memory, wait), static () => { }), cancellation);
        }
    }

    private MechanismMeasurement MeasureSignal(int? count, CancellationToken cancellation)
    {
        using var collector = new SignalCollector(LoadPeer.Used);
        using var target = SignalTarget.Open(peerId);
        using var arrivals = collector.BeginWait();
        return Measure(MeasuredMechanism.Signal, sizeof(long), count, RoundTrips, null, cancellation);

        Load RoundTrips(int number, long[] ticks) => Run(
            string.Create(CultureInfo.InvariantCulture, $"signal {number} {Environment.ProcessId}"),
            (_, wait) => (() => SignalLoad.RoundTrips(LoadPeer.Used, target, arrivals, 0, number, wait, ticks), static () => { }),
            cancellation);
    }

    /// <summary>Measures with these loads.</summary>
    /// <param name="mechanism">The mechanism.</param>
    /// <param name="size">Bytes a message.</param>
    /// <param name="count">How many; null for what takes a tenth of a second.</param>
    /// <param name="roundTrips">Makes so many round trips, and fills in the time of each if the array has a place for it.</param>
    /// <param name="oneWay">Sends so many messages; null where it can't.</param>
    /// <param name="cancellation">Cancels it.</param>
    private MechanismMeasurement Measure(MeasuredMechanism mechanism, int size, int? count, Func<int, long[], Load> roundTrips,
        Func<int, Load>? oneWay, CancellationToken cancellation)
    {
        if (count is null && _warm.Add(mechanism)) WarmUp();
        // Each first run warms up and shows how many the measurement needs.
        var first = roundTrips(FirstCount, []);
        var trips = count ?? CountFor(first.Seconds / FirstCount, MostTrips);
        var ticks = new long[trips];
        var load = roundTrips(trips, ticks);
        if (oneWay is null) return Result(mechanism, size, ticks, load, 2 * trips);
        first = oneWay(FirstCount);
        // A longer second one: the first messages cost more.
        var more = CountFor(first.Seconds / FirstCount, MostMessages / 10);
        if (count is null) first = oneWay(more);
        var messages = count ?? CountFor(first.Seconds / more, MostMessages);
        load = oneWay(messages);
        return Result(mechanism, size, ticks, load, messages) with { Messages = messages, MessagesPerSecond = messages / load.Seconds };

        // Without a rest the runtime of either process does not come to compile what is often used.
        void WarmUp()
        {
            for (var i = 0; i < WarmUps; i++)
            {
                roundTrips(CountFor(roundTrips(FirstCount, []).Seconds / FirstCount, MostTrips), []);
                oneWay?.Invoke(CountFor(oneWay(FirstCount).Seconds / FirstCount, MostTrips));
                cancellation.WaitHandle.WaitOne(Rest);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private Load Run(string command, Func<string, WaitOptions, (Action Load, Action End)> prepare, CancellationToken cancellation)
    {
        var wait = new WaitOptions(Deadline.After(Longest), cancellation);
        LoadPeer.Say(control, command);
        var (load, end) = prepare(Expect("ready", wait), wait);
        try
        {
            var before = Libc.ProcessorNanoseconds();
            var start = Stopwatch.GetTimestamp();
            load();
            var peer = long.Parse(Expect("done", wait), CultureInfo.InvariantCulture);
            return new Load(Stopwatch.GetElapsedTime(start).TotalSeconds, peer, Libc.ProcessorNanoseconds() - before);
        }
        finally
        {
            end();
        }
    }

    // The rest of the peer's line after a word.
    private string Expect(string word, in WaitOptions wait)
    {
        if (!control.Receive(_answer, default, wait)) throw new IpcException(IpcErrors.PeerClosed, "The other process ended early.");
        var line = Encoding.UTF8.GetString(_answer.Payload.Span);
        if (line.StartsWith(word + " ", StringComparison.Ordinal)) return line[(word.Length + 1)..];
        throw new IpcException(IpcErrors.InvalidData, $"The other process could not do it: {line}");
    }

    private static int CountFor(double seconds, int most) => (int)Math.Clamp(Wanted.TotalSeconds / Math.Max(seconds, 1e-8), Fewest, most);

    private static MechanismMeasurement Result(MeasuredMechanism mechanism, int size, long[] ticks, in Load load, int messages)
    {
        Array.Sort(ticks);
        return new MechanismMeasurement(mechanism, size)
        {
            MedianMicroseconds = Microseconds(0.5),
            P99Microseconds = Microseconds(0.99),
            CpuMicroseconds = (load.PeerNanoseconds + load.OwnNanoseconds) / 1e3 / messages,
            RoundTrips = ticks.Length,
        };

        double Microseconds(double share) => ticks[(int)((ticks.Length - 1) * share)] * 1e6 / Stopwatch.Frequency;
    }
}
