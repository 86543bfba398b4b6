using System.Diagnostics;

namespace IpcPs.Benchmarks.Shells;

/// <summary>A pwsh that runs one script and ends.</summary>
internal static class NewShell
{
    /// <summary>Runs a script.</summary>
    /// <returns>How long the whole process took, and what it printed.</returns>
    public static (double Milliseconds, string Output) Run(string script)
    {
        var clock = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo(Build.Pwsh[0], [.. Build.Pwsh.Skip(1), "-NoProfile", "-NonInteractive", "-Command", script])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (Stopwatch.GetElapsedTime(clock).TotalMilliseconds, output);
    }
}
