using System.Diagnostics;
using Xunit;

namespace IpcPs.Module.Tests.Queues;

/// <summary>A test that lowers sysctls in a new IPC namespace. It is skipped where this user may not create one.</summary>
public sealed class QueueLimitFactAttribute : FactAttribute
{
    /// <summary>Tries it.</summary>
    public QueueLimitFactAttribute()
    {
        try
        {
            const string Command = "echo 1 > /proc/sys/fs/mqueue/queues_max && prlimit --version";
            using var probe = Process.Start(new ProcessStartInfo("unshare", ["-i", "sh", "-c", Command])
            { RedirectStandardError = true, RedirectStandardOutput = true })!;
            var error = probe.StandardError.ReadToEnd();
            probe.WaitForExit();
            if (probe.ExitCode != 0) Skip = "No IPC namespace of its own: " + error.Trim();
            // CAP_SYS_RESOURCE, bit 24 of CapEff: a process that has it is above these limits.
            else if (HasCapability(24)) Skip = "This user has CAP_SYS_RESOURCE, for which the limits do not hold.";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip = "unshare is not on PATH.";
        }
    }

    private static bool HasCapability(int bit)
    {
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is not null && (Convert.ToUInt64(line[7..].Trim(), 16) & (1UL << bit)) != 0;
    }
}
