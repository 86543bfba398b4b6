namespace IpcPs.Waiting;

/// <summary>Looks again and again for what the kernel announces to no process: a new System V object, a POSIX queue where the mqueue file
/// system is not mounted, a server on a port. The pauses grow from 1 ms to 250 ms.</summary>
public sealed class PollWithBackoff
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    private TimeSpan _pause = Shortest;

    /// <summary>When to look again: after a pause twice as long as the one before, and no later than the deadline.</summary>
    public Deadline Next(Deadline deadline)
    {
        var next = deadline.IsInfinite || deadline.Remaining > _pause ? Deadline.After(_pause) : deadline;
        _pause = _pause * 2 < Longest ? _pause * 2 : Longest;
        return next;
    }

    /// <summary>Begins with the shortest pause again.</summary>
    public void Reset() => _pause = Shortest;

    /// <summary>Waits until the object exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; <see cref="IpcErrors.NotFound"/> (immediate deadline).</exception>
    public static void Until(Func<bool> exists, string target, in WaitOptions wait)
    {
        var poll = new PollWithBackoff();
        while (!exists())
        {
            if (wait.Deadline.HasPassed) throw IpcException.TimedOut($"'{target}' to exist", target, wait.Deadline, IpcErrors.NotFound);
            Waiter.PollAny([], new(poll.Next(wait.Deadline), wait.Cancellation));
        }
    }
}
