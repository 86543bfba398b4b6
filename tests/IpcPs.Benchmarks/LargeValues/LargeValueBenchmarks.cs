using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Benchmarks.Cmdlets;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.LargeValues;

/// <summary>Values of 200 MiB, through the cmdlets and from a job, beside memory that is copied twice: into new memory each time, as any
/// receiver needs it. On a virtual machine most of that is the kernel's work, which gives each page to the process.</summary>
internal sealed class LargeValueBenchmarks : IBenchmarkGroup
{
    private const double Goal = 0.5;
    private const int Megabytes = 200;
    private const int Count = 2;
    private const string Bytes = "[byte[]]::new(200MB)";
    private const string Text = "'x' * 200MB";

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            foreach (var (kind, value) in new[] { ("byte[]", Bytes), ("string", Text) })
            {
                var array = $"@(,({value})) * {Count}";
                foreach (var load in new[] { CmdletLoad.Pipe, CmdletLoad.Unix, CmdletLoad.Posix })
                {
                    yield return Of($"a {kind} of {Megabytes} MiB, {load.Name}", "Send, Receive in pwsh",
                        () => load.RunOnce(array, Count) * Megabytes);
                }
                yield return Of($"a {kind} of {Megabytes} MiB, output of a job", "Start-IpcJob", () => FromJob(value));
            }
        }
    }

    private static Comparison Of(string name, string ours, Func<double?> measure) =>
        new(name, "MiB/s", Goal, false, new(ours, measure), new("memory, copied twice", CopyTwice));

    private static unsafe double? CopyTwice()
    {
        const nuint Length = Megabytes << 20;
        var from = new byte[Length];
        return Rate(1, () =>
        {
            fixed (byte* first = from)
            {
                var second = NativeMemory.Alloc(Length);
                var third = NativeMemory.Alloc(Length);
                NativeMemory.Copy(first, second, Length);
                NativeMemory.Copy(second, third, Length);
                NativeMemory.Free(second);
                NativeMemory.Free(third);
            }
        });
    }

    private static double FromJob(string value)
    {
        SharedShells.Sender.Run($$"""
            $job = Start-IpcJob {
                $value = {{value}}
                $null = Invoke-IpcRequest $IpcParent 'ready' -Timeout 600
                foreach ($i in 1..{{Count}}) { , $value }
            }
            $request = Receive-IpcMessage $job -Envelope -Timeout 600
            """);
        return Rate(Count, () => SharedShells.Sender.Run("Send-IpcMessage go -ReplyTo $request; Receive-Job $job -Wait | Out-Null"));
    }

    private static double Rate(int values, Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return values * Megabytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
