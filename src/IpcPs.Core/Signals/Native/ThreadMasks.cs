using IpcPs.Proc;

namespace IpcPs.Signals.Native;

/// <summary>Blocks and unblocks a signal in every thread of this process.</summary>
/// <remarks>signalfd(2) needs that, because the kernel delivers a signal to any thread that does not block it. No system call changes the
/// mask of another thread, but a handler that runs on the thread can (<see cref="HandlerPage.Masker"/>). Its signal, the carrier, is sent
/// to each thread of /proc/self/task. Then the masks in their status files are read, until all are right twice in a row. Threads that are
/// created later inherit the mask of their creators. A thread that blocks all signals for a moment, as while it creates a thread or a
/// process, gets the carrier as soon as it restores its earlier mask.
/// Calls: tgkill(2), sched_yield(2).</remarks>
internal static unsafe class ThreadMasks
{
    private const int Carrier = SignalTable.SIGSTKFLT;

    private static readonly object Lock = new();
    private static readonly ulong CarrierBit = new Signal(Carrier).Mask;
    private static bool s_installed;

    /// <summary>Blocks a signal in all threads, and in those that they will create.</summary>
    /// <returns>How many threads did not change their mask within 5 s. The handler of the signal gets what is delivered to them.</returns>
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
            // The whole mask and not only this change, so that a thread that runs the handler late, after the next change, does both.
            page.Masks->Keep &= ~(block | unblock);
            page.Masks->Block = (page.Masks->Block | block) & ~unblock;
            return ApplyToAllThreads(page, block, unblock);
        }
    }

    private static int ApplyToAllThreads(HandlerPage page, ulong block, ulong unblock)
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
                    // The thread blocks everything. It runs the handler later, and needs no second carrier.
                    if ((pending & CarrierBit) == 0 && Libc.tgkill(process, thread, Carrier) == 0) wrong++;
                    continue;
                }
                if (isRight)
                {
                    waiting.Remove(thread);
                    continue;
                }
                wrong++;
                // The thread has not run yet, and has the carrier pending. A second one would do nothing.
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

    // Each thread takes some 50 us to wake up and run. The wait has a limit because a thread may have ended.
    private static void AwaitHandlers(HandlerPage page, long done)
    {
        var until = Deadline.After(TimeSpan.FromMilliseconds(2));
        while (Volatile.Read(ref page.Masks->Done) < done && !until.HasPassed) _ = Libc.sched_yield();
    }

    /// <summary>Whether every thread of the process blocks a signal, because the process was started that way.</summary>
    public static bool IsBlockedEverywhere(Signal signal)
    {
        foreach (var thread in Threads())
        {
            if (TryReadMasks(thread, out var blocked, out _) && (blocked & signal.Mask) == 0) return false;
        }
        return true;
    }

    private static IEnumerable<int> Threads() => ProcFile.Numbers(ProcFile.OwnThreads);

    private static bool TryReadMasks(int thread, out ulong blocked, out ulong pending)
    {
        blocked = pending = 0;
        var path = $"{ProcFile.OwnThreads}/{thread}/status";
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
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
