using System.Buffers.Binary;

namespace IpcPs.Rings.Algorithm;

/// <summary>Tells sleepers that another participant has gone: a process that is killed wakes nobody, but the kernel closes its files, and inotify(7) reports that.
/// One descriptor and one thread for all rings of the process, made when somebody sleeps for the first time.</summary>
internal static unsafe class RingWatch
{
    private static readonly object Lock = new();
    private static readonly Dictionary<int, List<WeakReference<RingParticipant>>> Watched = [];
    private static SafeDescriptor? s_notify;
    private static bool s_isUnavailable;

    /// <summary>Watches a ring's file.</summary>
    /// <param name="participant">Who is told.</param>
    /// <param name="isNew">Whether the watch began with this call: what happened before it is not reported.</param>
    /// <returns>False where the kernel has no watch left to give (fs.inotify.max_user_instances): the sleeper has to look for itself.</returns>
    public static bool Ensure(RingParticipant participant, out bool isNew)
    {
        isNew = false;
        if (participant.Watch >= 0) return true;
        lock (Lock)
        {
            if (participant.Watch >= 0) return true;
            if (s_notify is null && !Start()) return false;
            var watch = Libc.inotify_add_watch(s_notify!, $"/proc/self/fd/{participant.Descriptor.Number}", Libc.IN_CLOSE_WRITE);
            if (watch < 0) return false;
            if (!Watched.TryGetValue(watch, out var list)) Watched[watch] = list = [];
            list.Add(new WeakReference<RingParticipant>(participant));
            participant.Watch = watch;
            isNew = true;
            return true;
        }
    }

    public static void Remove(RingParticipant participant)
    {
        if (participant.Watch < 0) return;
        lock (Lock)
        {
            if (!Watched.TryGetValue(participant.Watch, out var list)) return;
            list.RemoveAll(r => !r.TryGetTarget(out var other) || ReferenceEquals(other, participant));
            if (list.Count > 0) return;
            Watched.Remove(participant.Watch);
            _ = Libc.inotify_rm_watch(s_notify!, participant.Watch);
        }
    }

    private static bool Start()
    {
        if (s_isUnavailable) return false;
        var fd = Libc.inotify_init1(Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        if (fd < 0)
        {
            s_isUnavailable = true;
            return false;
        }
        s_notify = new SafeDescriptor(fd);
        new Thread(Run, 128 * 1024) { IsBackground = true, Name = "IpcPs ring watch" }.Start();
        return true;
    }

    private static void Run()
    {
        const int EventSize = 16;
        var events = stackalloc byte[4096];
        while (true)
        {
            Waiter.Poll(s_notify!, PollEvents.In, default, default);
            var read = (int)Libc.read(s_notify!, events, 4096);
            for (var at = 0; at + EventSize <= read;)
            {
                var one = new ReadOnlySpan<byte>(events + at, read - at);
                Tell(BinaryPrimitives.ReadInt32LittleEndian(one));
                at += EventSize + BinaryPrimitives.ReadInt32LittleEndian(one[12..]);
            }
        }
    }

    private static void Tell(int watch)
    {
        List<RingParticipant> concerned = [];
        lock (Lock)
        {
            // -1: the kernel dropped events, any of them.
            foreach (var (number, list) in Watched)
            {
                if (number != watch && watch >= 0) continue;
                foreach (var reference in list)
                {
                    if (reference.TryGetTarget(out var participant)) concerned.Add(participant);
                }
            }
        }
        foreach (var participant in concerned) participant.OnParticipantLeft();
    }
}
