namespace IpcPs.Waiting;

/// <summary>Waits for what the kernel announces to nobody: that a System V object, or without privileges a POSIX queue, comes into being. The
/// one wait of the library that has to look again and again: after 1 ms, then less and less often, four times a second in the end.</summary>
internal static class PollWithBackoff
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits until the object exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; <see cref="IpcErrors.NotFound"/> (immediate deadline).</exception>
    public static void Until(Func<bool> exists, string target, in WaitOptions wait)
    {
        var pause = TimeSpan.FromMilliseconds(1);
        while (!exists())
        {
            if (wait.Deadline.HasPassed) throw IpcException.TimedOut($"'{target}' to exist", target, wait.Deadline, IpcErrors.NotFound);
            var left = wait.Deadline.IsInfinite || wait.Deadline.Remaining > pause ? pause : wait.Deadline.Remaining;
            Waiter.PollAny([], new(Deadline.After(left), wait.Cancellation));
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }
}
