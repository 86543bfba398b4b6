namespace IpcPs.Inventory;

/// <summary>A limit of the kernel on IPC, with what is in use of it now.</summary>
/// <param name="Name">As the kernel names it: a sysctl, an rlimit, a file system.</param>
/// <param name="Value">The limit.</param>
/// <param name="InUse">What is in use; null where the kernel does not say.</param>
/// <param name="Unit">Of both: "bytes", "queues", "messages".</param>
/// <param name="Meaning">What it limits.</param>
/// <param name="Raise">What raises it.</param>
public sealed record IpcLimit(string Name, long Value, long? InUse, string Unit, string Meaning, string Raise)
{
    /// <summary>Whether there is no limit: "unlimited", a number so large that it means that, or fs.pipe-user-pages-hard at 0.</summary>
    public bool IsUnlimited => Value >= long.MaxValue / 4096 || (Value == 0 && Name.StartsWith("fs.pipe-user-pages", StringComparison.Ordinal));

    /// <summary>How much of it is in use, in percent; null where that is not known, and where there is no limit.</summary>
    public double? PercentUsed => InUse is { } used && Value > 0 && !IsUnlimited ? 100.0 * used / Value : null;

    /// <summary>The same as a bar of ten.</summary>
    public string Bar
    {
        get
        {
            if (PercentUsed is not { } percent) return "";
            var full = (int)Math.Clamp(Math.Ceiling(percent / 10), 0, 10);
            return new string('\u2588', full) + new string('\u2591', 10 - full);
        }
    }
}
