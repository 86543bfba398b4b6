using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.SharedMemory;

/// <summary>64 MiB arrays into and out of shared memory by the cmdlets, beside memcpy(3) of as much in C.</summary>
internal sealed class MemoryBenchmarks : IBenchmarkGroup
{
    private const int Size = 64 << 20;
    private const int Times = 10;

    // $from and $into are touched before the clock runs, as memcpy's are.
    private const string Setup = """
        if (-not $from) {
            $from = [byte[]]::new(64MB); [Array]::Fill($from, [byte]7); $into = [byte[]]::new(64MB); [Array]::Fill($into, [byte]8)
            $doubles = [double[]]::new(8MB); [Array]::Fill($doubles, 1.5)
        }
        $memory = New-IpcSharedMemory "bench-$PID" -Size 64MB
        Write-IpcSharedMemory $memory $from
        """;

    private const string Teardown = "Remove-IpcObject $memory; Close-IpcObject $memory";

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var times = Times.ToString(CultureInfo.InvariantCulture);
            var size = Size.ToString(CultureInfo.InvariantCulture);
            var into = new Contender("C, memcpy into shared memory", () => CPrograms.Run("memcpy_shared", size, times, "in"));
            var outOf = new Contender("C, memcpy out of shared memory", () => CPrograms.Run("memcpy_shared", size, times, "out"));
            yield return new(
                "Write-IpcSharedMemory, 64 MiB of bytes", "MB/s", 0.8, false,
                new("IpcPs", () => Run("Write-IpcSharedMemory $memory $from")), into);
            yield return new(
                "Write-IpcSharedMemory, 64 MiB of doubles", "MB/s", 0.8, false,
                new("IpcPs", () => Run("Write-IpcSharedMemory $memory $doubles")), into);
            yield return new(
                "Read-IpcSharedMemory -Into, 64 MiB of bytes", "MB/s", 0.8, false,
                new("IpcPs", () => Run("Read-IpcSharedMemory $memory -Into $into")), outOf);
            yield return new(
                "Read-IpcSharedMemory, 64 MiB of bytes, a new array each time", "MB/s", null, false,
                new("IpcPs", () => Run("$null = Read-IpcSharedMemory $memory")), outOf);
        }
    }

    private static double? Run(string script)
    {
        var shell = SharedShells.Sender;
        shell.Run(Setup);
        var rate = shell.Measure(string.Create(CultureInfo.InvariantCulture,
            "$clock = [Diagnostics.Stopwatch]::StartNew(); " +
            $"for ($i = 0; $i -lt {Times}; $i++) {{ {script} }}; {Size / 1e6 * Times} / $clock.Elapsed.TotalSeconds"));
        shell.Run(Teardown);
        return rate;
    }
}
