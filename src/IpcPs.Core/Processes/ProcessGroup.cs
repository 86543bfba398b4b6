using IpcPs.Proc;

namespace IpcPs.Processes;

/// <summary>The processes of a group, as /proc shows them. Those that have ended are not counted, whether they were waited for or
/// not.</summary>
internal static class ProcessGroup
{
    /// <summary>Whether no process of the group runs.</summary>
    /// <param name="group">The group.</param>
    /// <param name="except">A process that does not count.</param>
    public static bool IsEmpty(int group, int except = 0)
    {
        foreach (var id in ProcFile.Processes())
        {
            if (id != except && ProcessStat.TryRead(id) is { HasEnded: false } process && process.GroupId == group) return false;
        }
        return true;
    }

    /// <summary>Waits until no process of the group runs.</summary>
    /// <returns>False when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static bool WaitUntilEmpty(int group, in WaitOptions wait, int except = 0)
    {
        // They are not children of this process: the kernel announces the end of each, but not of a group, which may grow meanwhile.
        var poll = new PollWithBackoff();
        while (!IsEmpty(group, except))
        {
            if (wait.Deadline.HasPassed) return false;
            Waiter.PollAny([], new(poll.Next(wait.Deadline), wait.Cancellation));
        }
        return true;
    }
}
