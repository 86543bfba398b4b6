using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Idle;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Cmdlets;

/// <summary>A command called for each message of a loop, with an object and with an address, beside a compiled cmdlet with the same
/// parameters that does nothing. With an address also beside a C program that opens, uses and closes the same kind of object.</summary>
internal sealed class SingleCallBenchmarks : IBenchmarkGroup
{
    private const double ByObject = 1.5;
    private const double ByAddress = 2.5;

    // What is called, with TARGET for the object or its address, and the C program's kind of object.
    private static readonly (string Name, string Make, string Call, string Nothing, int Calls, string Kind)[] Loads =
    [
        ("Send-IpcMessage and Receive-IpcMessage, POSIX queue", "New-IpcQueue $name",
            "Send-IpcMessage TARGET $i; $null = Receive-IpcMessage TARGET",
            "Send-BenchmarkNothing TARGET $i; $null = Receive-BenchmarkNothing TARGET", 2, "queue"),
        ("Lock-IpcObject and Unlock-IpcObject, mutex", "New-IpcMutex $name", "Lock-IpcObject TARGET; Unlock-IpcObject TARGET",
            "Lock-BenchmarkNothing TARGET; Unlock-BenchmarkNothing TARGET", 2, "mutex"),
        ("Lock-IpcObject and Unlock-IpcObject, POSIX semaphore", "New-IpcSemaphore $name", "Lock-IpcObject TARGET; Unlock-IpcObject TARGET",
            "Lock-BenchmarkNothing TARGET; Unlock-BenchmarkNothing TARGET", 2, "semaphore"),
        ("Write-IpcSharedMemory", "New-IpcSharedMemory $name -Size 4096", "Write-IpcSharedMemory TARGET $i",
            "Write-BenchmarkNothing TARGET $i", 1, "memory"),
        ("Read-IpcSharedMemory", "New-IpcSharedMemory $name -Size 4096", "$null = Read-IpcSharedMemory TARGET -As Int32",
            "$null = Read-BenchmarkNothing TARGET -As Int32", 1, "memory"),
    ];

    private static readonly HashSet<string> Warm = [];

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(10_000);
            foreach (var (name, make, call, nothing, calls, kind) in Loads)
            {
                foreach (var (how, target, goal) in new[] { ("object", "$object", ByObject), ("address", "$address", ByAddress) })
                {
                    yield return new($"a single call, {name}, by {how}", "us", goal, true,
                        new("in a loop", () => Call(make, call.Replace("TARGET", target, StringComparison.Ordinal), calls, count)),
                        new("a cmdlet that does nothing",
                            () => Call(make, nothing.Replace("TARGET", target, StringComparison.Ordinal), calls, count)))
                    {
                        Others = how == "address" ? [(C("open, use, close", kind), null)]
                            : kind == "mutex" ? [(C("the same calls", "held-mutex"), null)] : [],
                    };
                }
            }

            Contender C(string what, string kind) =>
                new($"C, {what}", () => CPrograms.Run("single_open", kind, Text(count), RuntimeFolder.Path));
        }
    }

    private static double Call(string make, string call, int calls, int count)
    {
        var shell = SharedShells.Sender;
        shell.Run($"$name = \"bench-$PID\"; $object = {make}; $address = $object.Address.ToString(); 1");
        try
        {
            // A function: a loop of the script itself is interpreted the first time.
            shell.Run($"function Use-Target($count) {{ foreach ($i in 1..$count) {{ {call} }} }} 1");
            if (Warm.Add(call)) WarmUp.Do(() => shell.Run($"Use-Target {Text(Math.Max(count / 5, 300))}; 1"));
            var before = ProcessCost.Processor(shell.ProcessId);
            var seconds = shell.Measure(
                $"$clock = [Diagnostics.Stopwatch]::StartNew(); Use-Target {Text(count)}; $clock.Elapsed.TotalSeconds");
            MessageCost.Record((ProcessCost.Processor(shell.ProcessId) - before).TotalMicroseconds / ((double)count * calls), 0);
            return seconds * 1e6 / ((double)count * calls);
        }
        finally
        {
            shell.Run("Remove-IpcObject $object -Confirm:$false; Close-IpcObject $object; 1");
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
