using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Idle;
using IpcPs.Benchmarks.Shells;
using IpcPs.Processes;

namespace IpcPs.Benchmarks.Jobs;

/// <summary>Workers and pipelines of jobs: beside ForEach-Object -Parallel, Python's process pool and GNU parallel, and beside
/// themselves.</summary>
internal sealed class WorkerBenchmarks : IBenchmarkGroup
{
    private double _afterOne;

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(50_000);
            // The peer needs milliseconds an item.
            var few = Settings.Count(2_000);
            Contender ordered = new("Invoke-IpcParallel -Ordered", () => Rate(count, "Invoke-IpcParallel { $_ } -Workers 2 -Ordered"));
            Contender each = new("ForEach-Object -Parallel", () => Rate(few, "ForEach-Object -Parallel { $_ } -ThrottleLimit 2"));
            yield return new("workers, items of three properties that do nothing, ordered", "items/s", 5, false, ordered, each);
            yield return new("workers, the same, as they come", "items/s", 5, false,
                new("Invoke-IpcParallel", () => Rate(count, "Invoke-IpcParallel { $_ } -Workers 2")), each);
            yield return new("workers, beside Python's ProcessPoolExecutor.map, chunksize 1", "items/s", 1, false, ordered,
                new("Python", () => PythonPrograms.Run("python_pool", Text(count))));
            yield return new("workers, beside GNU parallel -k, items are lines", "items/s", 1, false, ordered,
                new("GNU parallel", () => GnuParallel(few)));
            yield return new("workers, items of 1 ms, two beside one", "items/s", 1.8, false,
                new("two workers", () => Busy(2)), new("one worker", () => Busy(1)));
            Contender two = new("two stages, Pipe", () => Stages(count, 1, "Pipe"));
            yield return new("jobs, three stages over Pipe beside two", "objects/s", 0.6, false,
                new("three stages, Pipe", () => Stages(count, 2, "Pipe")), two);
            yield return new("jobs, three stages over Ring beside Pipe", "objects/s", 1, false,
                new("three stages, Ring", () => Stages(count, 2, "Ring")), new("three stages, Pipe", () => Stages(count, 2, "Pipe")));
            var tenth = Settings.Count(1_000_000);
            yield return new("memory of the caller, ten million objects through Invoke-IpcParallel", "MiB", 1.1, true,
                new("after ten million", () => Memory(tenth)), new("after one million", () => _afterOne));
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    // The clock starts with the first result: what a start costs has a line of its own.
    private static double Rate(int count, string command) => SharedShells.Sender.Measure(string.Create(CultureInfo.InvariantCulture, $$"""
        $items = foreach ($i in 1..{{count}}) {
            [pscustomobject]@{ Id = $i; Name = "item $i"; Time = [datetime]::UnixEpoch.AddSeconds($i) }
        }
        $count = 0; $began = 0
        $items | {{command}} | ForEach-Object { if ($count++ -eq 0) { $began = [Diagnostics.Stopwatch]::GetTimestamp() } }
        ($count - 1) / [Diagnostics.Stopwatch]::GetElapsedTime($began).TotalSeconds
        """));

    /// <summary>Items whose script counts for about a millisecond.</summary>
    private static double Busy(int workers, int before = 3_000) => SharedShells.Sender.Measure(string.Create(
        CultureInfo.InvariantCulture, $$"""
        $count = 0; $began = 0
        $item = { for ($i = 0; $i -lt 12000; $i++) { }; $_ }
        1..{{before + Settings.Count(5_000)}} | Invoke-IpcParallel $item -Workers {{workers}} | ForEach-Object {
            # When the code is compiled.
            if ($count++ -eq {{before}}) { $began = [Diagnostics.Stopwatch]::GetTimestamp() }
        }
        ($count - {{before + 1}}) / [Diagnostics.Stopwatch]::GetElapsedTime($began).TotalSeconds
        """));

    /// <summary>Objects a second through a pipeline of jobs.</summary>
    public static double Stages(int count, int links, string via)
    {
        // Nothing but what every stage does: decode and encode. ForEach-Object alone would take as long once more.
        var stages = string.Concat(Enumerable.Repeat($" | Start-IpcJob {{ $input }} -Via {via}", links - 1));
        return SharedShells.Sender.Measure($$"""
            $job = Start-IpcJob { {{JobLoad.Give(count)}} }{{stages}} | Start-IpcJob { {{JobLoad.Rate(count)}} } -Via {{via}}
            Receive-Job $job -Wait
            Remove-Job $job
            """);
    }

    private static double? GnuParallel(int count)
    {
        if (Programs.Find("parallel") is not { } parallel) return null;
        var start = new ProcessStartInfo(parallel, ["--will-cite", "-k", "-j2", "echo {}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var writing = Task.Run(() =>
        {
            for (var i = 0; i < count; i++) process.StandardInput.WriteLine(Text(i));
            process.StandardInput.Close();
        });
        process.StandardOutput.ReadLine();
        var began = Stopwatch.GetTimestamp();
        var got = 0;
        while (process.StandardOutput.ReadLine() is not null) got++;
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        writing.Wait();
        process.WaitForExit();
        return got / seconds;
    }

    private double? Memory(int tenth)
    {
        using var shell = ShellSession.Start();
        Stream(tenth);
        _afterOne = ProcessCost.Kibibytes(shell.ProcessId, "VmHWM") / 1024.0;
        Stream(tenth * 9);
        return ProcessCost.Kibibytes(shell.ProcessId, "VmHWM") / 1024.0;

        void Stream(int count) => shell.Run(
            string.Create(CultureInfo.InvariantCulture, $"1..{count} | Invoke-IpcParallel {{ $_ }} -Workers 2 -Ordered | Out-Null"));
    }
}
