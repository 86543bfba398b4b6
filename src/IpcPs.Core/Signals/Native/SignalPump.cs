using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>The one thread that reads the signals of subscriptions as they arrive. It starts with the first subscription, and is blocked in
/// ppoll(2) while there is no signal.</summary>
internal static unsafe class SignalPump
{
    private static readonly List<SignalStream> Streams = [];
    private static EventDescriptor? s_change;

    public static void Add(SignalStream stream)
    {
        lock (Streams)
        {
            if (Streams.Contains(stream)) return;
            Streams.Add(stream);
            if (s_change is null) Start();
            else s_change.Set();
        }
    }

    public static void Remove(SignalStream stream)
    {
        lock (Streams)
        {
            if (Streams.Remove(stream)) s_change!.Set();
        }
    }

    private static void Start()
    {
        s_change = new EventDescriptor();
        BackgroundThread.Start("IpcPs signals", Run);
    }

    private static void Run()
    {
        // This thread gets only the signals of the runtime. Other threads handle a flood of signals while this one reads.
        var mask = stackalloc ulong[16];
        mask[0] = StandardToBlock;
        for (var i = 1; i < 16; i++) mask[i] = 0;
        _ = Libc.pthread_sigmask(0 /* SIG_BLOCK */, mask, null);
        var polls = new List<Libc.PollFd>();
        while (true)
        {
            SignalStream[] streams;
            lock (Streams) streams = [.. Streams];
            polls.Clear();
            polls.Add(new Libc.PollFd { Descriptor = s_change!.Descriptor, Requested = PollEvents.In });
            foreach (var stream in streams) stream.AddPolls(polls, withQueue: false);
            _ = Waiter.PollAny(CollectionsMarshal.AsSpan(polls), Deadline.Infinite, default);
            if (polls[0].Returned != PollEvents.None) s_change.Reset();
            foreach (var stream in streams) stream.Pump();
        }
    }

    // The standard signals that can be received. Real-time signals are blocked by ThreadMasks.
    private static ulong StandardToBlock =>
        SignalTable.All
            .Where(static d => d.Kind == SignalKind.Standard && d.CanReceive)
            .Aggregate(0UL, static (mask, d) => mask | d.Signal.Mask);
}
