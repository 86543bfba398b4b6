using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace IpcPs.Module.Tests.SharedMemory;

/// <summary>A test that needs its own /dev/shm of 1 MiB, and is skipped if this machine does not allow one (unshare(1),
/// mount(8)).</summary>
public sealed class SmallShmFactAttribute : FactAttribute
{
    private const string Mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm && ";

    private static readonly string? Flags = new[] { "-m", "-rm" }.FirstOrDefault(static f => Succeeds(f));

    /// <summary>Skips the test without a mount namespace.</summary>
    public SmallShmFactAttribute()
    {
        if (Flags is null) Skip = "This machine does not allow a new mount namespace, which a small /dev/shm needs.";
    }

    /// <summary>Runs a shell command with a /dev/shm of 1 MiB.</summary>
    /// <returns>The text of both output streams.</returns>
    public static string Run(string command)
    {
        var start = new ProcessStartInfo("unshare", [Flags!, "sh", "-c", Mount + command + " 2>&1"]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static bool Succeeds(string flags)
    {
        try
        {
            var start = new ProcessStartInfo("unshare", [flags, "sh", "-c", Mount + "true"]) { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
