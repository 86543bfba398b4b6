namespace IpcPs.Waiting;

/// <summary>Waits for what the kernel announces to nobody: that a System V object, or without privileges a POSIX queue, comes into being. The
/// one wait of the library that has to look again and again: after 1 ms, then less and less often, four times a second in the end.</summary>
internal static class PollWithBackoff
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits until the object exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; <see cref="IpcErrors.NotFound"/> (immediate deadline).</exception>
    public static void Until(Func<bool> exists, string target, Deadline deadline, CancellationToken cancellation)
    {
        var pause = TimeSpan.FromMilliseconds(1);
        while (!exists())
        {
            if (deadline.HasPassed) throw IpcException.TimedOut($"'{target}' to exist", target, deadline, IpcErrors.NotFound);
            var left = deadline.IsInfinite || deadline.Remaining > pause ? pause : deadline.Remaining;
            Waiter.PollAny([], Deadline.After(left), cancellation);
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }
}
