using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Cmdlets;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Jobs;

/// <summary>Start-IpcJob beside PowerShell's own Start-Job and Start-ThreadJob.</summary>
internal sealed class JobBenchmarks : IBenchmarkGroup
{
    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(20_000);
            yield return new($"jobs, {count} objects of three properties from the child, start-up excluded", "objects/s", 10, false,
                new("Start-IpcJob", () => Objects("Start-IpcJob", count)), new("Start-Job", () => Objects("Start-Job", count)));
            var many = Settings.Count(100_000);
            Contender cmdlets = new("Send, Receive in pwsh", () => CmdletLoad.Pipe.Run(CmdletLoad.Objects(many), many));
            yield return new("jobs, output of objects of three properties, beside the cmdlets", "objects/s", 0.8, false,
                new("Start-IpcJob", () => Objects("Start-IpcJob", many)), cmdlets);
            yield return new("jobs, input of objects of three properties, beside the cmdlets", "objects/s", 0.8, false,
                new("Start-IpcJob", () => Input(many)), cmdlets);
            yield return new("jobs, objects of three properties from stage to stage, beside the cmdlets", "objects/s", 0.8, false,
                new("Start-IpcJob", () => WorkerBenchmarks.Stages(many, 1, "Pipe")), cmdlets);
            yield return new("jobs, from Start to the first object, beside a bare pwsh", "ms", 1.15, true,
                new("Start-IpcJob", () => FirstObject("Start-IpcJob")), new("pwsh -NoProfile -Command 1", () => Session("1")));
            yield return new("import of the module, beside a bare pwsh", "ms more", 1, true,
                new("Import-Module", () => Session($"Import-Module '{Build.Manifest}'; 1") - Session("1")), new("the limit", () => 100));
            yield return new("jobs, from Start to the end of a job that gives a number", "ms", 1, true,
                new("Start-IpcJob", () => StartUp("Start-IpcJob")), new("Start-Job", () => StartUp("Start-Job")));
            yield return new("jobs, from Start with a pool to the first object", "ms", 2, true,
                new("Start-IpcJob -Pool", () => FirstObject("Start-IpcJob -Pool benchmark")),
                new("Start-ThreadJob", () => FirstObject("Start-ThreadJob")));
            yield return new("jobs, from Start with a pool to the first object", "ms", 0.1, true,
                new("Start-IpcJob -Pool", () => FirstObject("Start-IpcJob -Pool benchmark")),
                new("Start-Job", () => FirstObject("Start-Job")));
        }
    }

    // The child makes its objects first, then says when it begins to give them. The clock is the machine's, the same in both processes.
    private static double Objects(string start, int count) => SharedShells.Sender.Measure(string.Create(CultureInfo.InvariantCulture, $$"""
        $job = {{start}} {
            $objects = foreach ($i in 1..{{count}}) {
                [pscustomobject]@{ Id = $i; Name = "item $i"; Time = [datetime]::UnixEpoch.AddSeconds($i) }
            }
            [Diagnostics.Stopwatch]::GetTimestamp()
            $objects
        }
        Receive-Job $job -Wait | Measure-BenchmarkArrival
        Remove-Job $job
        """));

    // The clock of the job starts with its first object.
    private static double Input(int count) => SharedShells.Sender.Measure(string.Create(CultureInfo.InvariantCulture, $$"""
        $objects = {{CmdletLoad.Objects(count)}}
        $job = $objects | Start-IpcJob {
            $count = 0; $began = 0
            foreach ($one in $input) { if ($count++ -eq 0) { $began = [Diagnostics.Stopwatch]::GetTimestamp() } }
            ($count - 1) / [Diagnostics.Stopwatch]::GetElapsedTime($began).TotalSeconds
        }
        Receive-Job $job -Wait
        Remove-Job $job
        """));

    /// <summary>How long a pwsh takes that runs a script.</summary>
    private static double Session(string script)
    {
        var clock = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo(Build.Pwsh[0], [.. Build.Pwsh.Skip(1), "-NoProfile", "-NonInteractive", "-Command", script])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }

    // The child that the pool starts in place of the one before does not run at the same time.
    private static double FirstObject(string start) => SharedShells.Sender.Measure($$"""
        if ('{{start}}' -ne 'Start-IpcJob' -and -not (Get-IpcJobPool benchmark*)) { $null = New-IpcJobPool 1 -Name benchmark }
        foreach ($pool in Get-IpcJobPool benchmark*) { $null = $pool.WaitUntilReady('00:01:00') }
        $clock = [Diagnostics.Stopwatch]::GetTimestamp()
        $job = {{start}} { 1 }
        $end = Receive-Job $job -Wait | ForEach-Object { [Diagnostics.Stopwatch]::GetTimestamp() }
        Remove-Job $job
        (1000 * ($end - $clock) / [Diagnostics.Stopwatch]::Frequency).ToString([cultureinfo]::InvariantCulture)
        """);

    private static double StartUp(string start)
    {
        var clock = Stopwatch.GetTimestamp();
        SharedShells.Sender.Run($"$job = {start} {{ 1 }}; Receive-Job $job -Wait; Remove-Job $job");
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }
}
