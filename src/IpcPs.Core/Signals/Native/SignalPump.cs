using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>The thread that reads subscribed signals as they come. There is one, from the first subscription on; while nothing comes it is blocked in ppoll(2).</summary>
internal static unsafe class SignalPump
{
    private static readonly List<SignalStream> Streams = [];
    private static SafeDescriptor? s_change;

    public static void Add(SignalStream stream)
    {
        lock (Streams)
        {
            if (Streams.Contains(stream)) return;
            Streams.Add(stream);
            if (s_change is null) Start();
            else Wake();
        }
    }

    public static void Remove(SignalStream stream)
    {
        lock (Streams)
        {
            if (Streams.Remove(stream)) Wake();
        }
    }

    private static void Start()
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), null);
        s_change = new SafeDescriptor(fd);
        new Thread(Run) { IsBackground = true, Name = "IpcPs signals" }.Start();
    }

    private static void Wake()
    {
        ulong one = 1;
        _ = Libc.write(s_change!, (byte*)&one, 8);
    }

    private static void Run()
    {
        // Of all signals only the runtime's own come to this thread: a flood is handled by the others while this one reads.
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
            polls.Add(new Libc.PollFd { Descriptor = s_change!.Number, Requested = PollEvents.In });
            foreach (var stream in streams) stream.AddPolls(polls, withQueue: false);
            _ = Waiter.PollAny(CollectionsMarshal.AsSpan(polls), Deadline.Infinite, default);
            ulong count;
            if (polls[0].Returned != PollEvents.None) _ = Libc.read(s_change, (byte*)&count, 8);
            foreach (var stream in streams) stream.Pump();
        }
    }

    // Those that can be received, and have a number below the real-time ones (which are blocked where they are wanted).
    private static ulong StandardToBlock =>
        SignalTable.All.Where(static d => d.Kind == SignalKind.Standard && d.CanReceive).Aggregate(0UL, static (mask, d) => mask | d.Signal.Mask);
}
