using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace IpcPs.Module.Tests.SharedMemory;

/// <summary>A test that needs a /dev/shm of 1 MiB of its own, and says so where this machine gives none (unshare(1), mount(8)).</summary>
public sealed class SmallShmFactAttribute : FactAttribute
{
    private const string Mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm && ";

    private static readonly string? Flags = new[] { "-m", "-rm" }.FirstOrDefault(static f => Succeeds(f));

    /// <summary>Skips the test where it can't be had.</summary>
    public SmallShmFactAttribute()
    {
        if (Flags is null) Skip = "No mount namespace of its own can be had here, and so no small /dev/shm.";
    }

    /// <summary>Runs a shell command where /dev/shm has 1 MiB.</summary>
    /// <returns>What it wrote on both streams.</returns>
    public static string Run(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("unshare", [Flags!, "sh", "-c", Mount + command + " 2>&1"]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static bool Succeeds(string flags)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("unshare", [flags, "sh", "-c", Mount + "true"]) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
