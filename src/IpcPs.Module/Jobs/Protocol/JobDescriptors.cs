namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The numbers that a job's pipes have in the child.</summary>
internal static class JobDescriptors
{
    /// <summary>Standard output: whatever writes past PowerShell's streams.</summary>
    public const int StandardOutput = 1;

    /// <summary>Standard error.</summary>
    public const int StandardError = 2;

    /// <summary>Notices from the parent. Its end is the parent's end.</summary>
    public const int Control = 3;

    /// <summary>All streams, and notices to the parent.</summary>
    public const int Records = 4;

    /// <summary><c>$IpcParent</c>, reading.</summary>
    public const int ParentReader = 5;

    /// <summary><c>$IpcParent</c>, writing.</summary>
    public const int ParentWriter = 6;

    /// <summary>The first of the input's (where something is piped to the job) and of -Handle's.</summary>
    public const int FirstFree = 7;
}
