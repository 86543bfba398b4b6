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
                new("Start-IpcJob", () => Output("Start-IpcJob", many)), cmdlets)
            {
                // The same Receive-Job, and nothing to encode: a thread of this process gives its own objects.
                Others = [(new("Start-ThreadJob", () => Output("Start-ThreadJob", many)), null)],
            };
            yield return new("jobs, input of objects of three properties, beside the cmdlets", "objects/s", 0.8, false,
                new("Start-IpcJob", () => Input(many)), cmdlets);
            yield return new("jobs, objects of three properties from stage to stage, beside the cmdlets", "objects/s", 0.8, false,
                new("Start-IpcJob", () => WorkerBenchmarks.Stages(many, 1, "Pipe")), cmdlets);
            yield return new("jobs, from Start to the first object, beside a bare pwsh", "ms", 1.15, true,
                new("Start-IpcJob", () => FirstObject("Start-IpcJob")),
                new("pwsh -NoProfile -Command 1", () => NewShell.Run("1").Milliseconds));
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

    private static double Output(string start, int count) => SharedShells.Sender.Measure(string.Create(CultureInfo.InvariantCulture, $$"""
        $job = {{start}} { {{JobLoad.Give(count)}} }
        Receive-Job $job -Wait | Measure-BenchmarkArrival -Skip {{JobLoad.Before(count)}}
        Remove-Job $job
        """));

    private static double Input(int count) => SharedShells.Sender.Measure($$"""
        $job = & { {{JobLoad.Give(count)}} } | Start-IpcJob { {{JobLoad.Rate(count)}} }
        Receive-Job $job -Wait
        Remove-Job $job
        """);

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
