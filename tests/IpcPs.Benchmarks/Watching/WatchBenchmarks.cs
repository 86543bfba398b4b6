using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Watching;

/// <summary>What Watch-IpcObject costs: 500 objects of five mechanisms, a sample each second.</summary>
internal sealed class WatchBenchmarks : IBenchmarkGroup
{
    private static int Seconds => Math.Max(5, (int)(20 * Settings.CurrentScale));

    private const string Create = """
        $made = foreach ($i in 1..100) {
            $name = "ipcps-bench-$PID-$i"
            New-IpcQueue $name -MaxMessages 1 -MaxMessageSize 64
            New-IpcQueue -Kind SysV
            New-IpcRing $name -Capacity 65536
            New-IpcMutex $name
            New-IpcSemaphore $name
        }
        $made.Count
        """;

    // The same before, also at the same pace, until the runtime's compiler has little left to do: it costs some seconds, once.
    private const string Watch = """
        $process = [Diagnostics.Process]::GetCurrentProcess()
        foreach ($round in 1..5) {
            Watch-IpcObject -Count 100 -Interval 0.02 -WarningAction Ignore | ForEach-Object -Begin { $count = 0 } -Process { $count++ }
            if ($count -lt 50000) { throw "$($count / 100) objects were watched." }
            Start-Sleep 1
        }
        Watch-IpcObject -Count 60 -WarningAction Ignore | Out-Null
        $process.Refresh(); $before = $process.TotalProcessorTime
        Watch-IpcObject -Count SECONDS -WarningAction Ignore | ForEach-Object -Begin { $count = 0 } -Process { $count++ }
        $process.Refresh(); 100 * ($process.TotalProcessorTime - $before).TotalSeconds / SECONDS
        """;

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            yield return new("Watch-IpcObject, 500 objects, one second", "% of a core", 1, true, new("pwsh", Share),
                new("the goal: two percent", static () => 2.0));
        }
    }

    private static double? Share()
    {
        // Another process has them, so that only watching is measured.
        using var holder = ShellSession.Start();
        holder.Run(Create);
        using var session = ShellSession.Start();
        try
        {
            return session.Measure(Watch.Replace("SECONDS", $"{Seconds}", StringComparison.Ordinal));
        }
        finally
        {
            holder.Run("$made | Remove-IpcObject -Confirm:$false; 1");
        }
    }
}
