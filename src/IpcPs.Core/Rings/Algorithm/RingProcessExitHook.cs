using System.Collections.Concurrent;

namespace IpcPs.Rings.Algorithm;

/// <summary>Leaves all rings when the process ends, so that the last one out unlinks the file also where nobody closed it.</summary>
internal static class RingProcessExitHook
{
    private static readonly ConcurrentDictionary<WeakReference<RingParticipant>, bool> Open = new();
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<RingParticipant, WeakReference<RingParticipant>> Keys = [];

    static RingProcessExitHook() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => LeaveAll();

    public static void Add(RingParticipant participant)
    {
        var key = new WeakReference<RingParticipant>(participant);
        Keys.Add(participant, key);
        Open[key] = true;
    }

    public static void Remove(RingParticipant participant)
    {
        if (Keys.TryGetValue(participant, out var key)) Open.TryRemove(key, out _);
    }

    private static void LeaveAll()
    {
        foreach (var key in Open.Keys)
        {
            if (key.TryGetTarget(out var participant)) participant.Leave();
        }
    }
}
