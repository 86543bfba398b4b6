using IpcPs.Proc;

namespace IpcPs.Signals.Native;

/// <summary>Blocks a signal in every thread of this process, and unblocks it: what signalfd(2) needs, since the kernel gives a signal to any thread that
/// doesn't block it. No call changes another thread's mask; a handler that runs on the thread does (<see cref="HandlerCode"/>).</summary>
/// <remarks>The carrier is sent to each thread of /proc/self/task, and the masks in their status files are read until two looks in a row
/// find all of them right; threads that are made later inherit the mask of their makers. A thread that holds back all signals for the moment, as in the middle of
/// making a thread or a process, has the carrier waiting: it changes the mask as soon as the thread goes back to its earlier one.
/// Calls: tgkill(2), sched_yield(2).</remarks>
internal static unsafe class ThreadMasks
{
    private const int Carrier = SignalTable.SIGSTKFLT;

    private static readonly object Lock = new();
    private static readonly ulong CarrierBit = new Signal(Carrier).Mask;
    private static bool s_installed;

    /// <summary>Blocks a signal in all threads, and in those that they will make.</summary>
    /// <returns>How many threads could not be brought to it within 5 s; what they get goes to the signal's handler.</returns>
    public static int Block(HandlerPage page, Signal signal) => Apply(page, signal.Mask, 0);

    /// <summary>Unblocks a signal in all threads.</summary>
    public static int Unblock(HandlerPage page, Signal signal) => Apply(page, 0, signal.Mask);

    private static int Apply(HandlerPage page, ulong block, ulong unblock)
    {
        lock (Lock)
        {
            if (!s_installed)
            {
                HandlerPage.Install(Carrier, page.Masker, like: null);
                s_installed = true;
            }
            // All that is wanted now, not only the change: a thread that comes to it late, after the next change, does right too.
            page.Masks->Keep &= ~(block | unblock);
            page.Masks->Block = (page.Masks->Block | block) & ~unblock;
            return Spread(page, block, unblock);
        }
    }

    private static int Spread(HandlerPage page, ulong block, ulong unblock)
    {
        var deadline = Deadline.After(TimeSpan.FromSeconds(5));
        var process = Libc.getpid();
        var waiting = new HashSet<int>();
        for (var clean = 0; clean < 2;)
        {
            var sent = 0;
            var wrong = 0;
            var done = Volatile.Read(ref page.Masks->Done);
            foreach (var thread in Threads())
            {
                if (!TryReadMasks(thread, out var blocked, out var pending)) continue;
                var isRight = (blocked & block) == block && (blocked & unblock) == 0;
                if ((blocked & CarrierBit) != 0)
                {
                    // It holds back everything. Told once, it will do it; once that is so, it needs no second look.
                    if ((pending & CarrierBit) == 0 && Libc.tgkill(process, thread, Carrier) == 0) wrong++;
                    continue;
                }
                if (isRight)
                {
                    waiting.Remove(thread);
                    continue;
                }
                wrong++;
                // One that has not run yet has it waiting; a second would only run for nothing.
                if ((pending & CarrierBit) != 0) continue;
                if (Libc.tgkill(process, thread, Carrier) == 0) sent++;
                waiting.Add(thread);
            }
            clean = wrong == 0 ? clean + 1 : 0;
            if (wrong == 0) continue;
            if (deadline.HasPassed) return wrong;
            AwaitHandlers(page, done + sent);
        }
        return 0;
    }

    // The threads have to be woken and run: some 50 us each. Looked at again in any case, as one may have ended.
    private static void AwaitHandlers(HandlerPage page, long done)
    {
        var until = Deadline.After(TimeSpan.FromMilliseconds(2));
        while (Volatile.Read(ref page.Masks->Done) < done && !until.HasPassed) _ = Libc.sched_yield();
    }

    /// <summary>Whether every thread of the process blocks a signal: it was started that way, and nobody has changed it.</summary>
    public static bool IsBlockedEverywhere(Signal signal)
    {
        foreach (var thread in Threads())
        {
            if (TryReadMasks(thread, out var blocked, out _) && (blocked & signal.Mask) == 0) return false;
        }
        return true;
    }

    private static IEnumerable<int> Threads() => ProcFile.Numbers(ProcFile.Threads(Environment.ProcessId));

    private static bool TryReadMasks(int thread, out ulong blocked, out ulong pending)
    {
        blocked = pending = 0;
        var fd = Libc.open(ProcFile.Thread(Environment.ProcessId, thread) + "/status", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) return false;
        using var file = new SafeDescriptor(fd);
        Span<byte> text = stackalloc byte[8192];
        int length;
        fixed (byte* into = text) length = (int)Libc.read(file, into, (nuint)text.Length);
        if (length <= 0) return false;
        text = text[..length];
        return TryFind(text, "SigBlk:\t"u8, out blocked) && TryFind(text, "SigPnd:\t"u8, out pending);
    }

    private static bool TryFind(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key, out ulong mask)
    {
        mask = 0;
        var at = text.IndexOf(key);
        return at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(text[(at + key.Length)..], out mask, out _, 'x');
    }
}
