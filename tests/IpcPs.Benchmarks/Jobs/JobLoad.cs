using System.Globalization;
using IpcPs.Benchmarks.Cmdlets;

namespace IpcPs.Benchmarks.Jobs;

/// <summary>Objects of three properties that pass through jobs, several times over. Only the last time is measured: a job's process is
/// new, and the runtime compiles what it runs in the rests between them. The cmdlets beside it are warm, too.</summary>
internal static class JobLoad
{
    private const int Rounds = 4;

    /// <summary>How many objects pass before the clock starts.</summary>
    public static int Before(int count) => (Rounds - 1) * count;

    /// <summary>A script that gives the objects.</summary>
    public static string Give(int count) => string.Create(CultureInfo.InvariantCulture, $$"""
        $objects = {{CmdletLoad.Objects(count)}}
        foreach ($round in 2..{{Rounds}}) { $objects; Start-Sleep -Milliseconds 300 }
        $objects
        """);

    /// <summary>A script that gives the objects a second that a stage finds in its $input.</summary>
    public static string Rate(int count) => string.Create(CultureInfo.InvariantCulture, $$"""
        $count = 0; $began = 0
        foreach ($one in $input) { if ($count++ -eq {{Before(count)}}) { $began = [Diagnostics.Stopwatch]::GetTimestamp() } }
        ($count - {{Before(count) + 1}}) / [Diagnostics.Stopwatch]::GetElapsedTime($began).TotalSeconds
        """);
}
