using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Inventory;

/// <summary>Get-IpcObject on a machine with 2,000 processes that hold 5,000 objects of all kinds; in namespaces of its own where unshare(1)
/// may make them.</summary>
internal sealed class InventoryBenchmarks : IBenchmarkGroup
{
    private const int Processes = 2000;
    private const int Objects = 5000;
    private static readonly Contender Goal = new("the goal: two seconds", static () => 2.0);

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            yield return new(
                "Get-IpcObject, 2,000 processes and 5,000 objects, first call", "s", 1, true, new("pwsh", () => List()?.First), Goal);
            yield return new(
                "Get-IpcObject, 2,000 processes and 5,000 objects, later calls", "s", 1, true, new("pwsh", () => List()?.Later), Goal);
        }
    }

    private static (double First, double Later)? List()
    {
        if (CPrograms.Find("machine") is not { } machine) return null;
        var runtime = Directory.CreateTempSubdirectory("ipcps-bench-");
        try
        {
            var folder = Directory.CreateDirectory(
                Path.Combine(runtime.FullName, "ipcps"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            string[] within = [.. Namespaces(), machine, Text(Processes), Text(Objects), folder.FullName];
            using var session = ShellSession.Start(within, runtime.FullName);
            // Ready, so that the clock runs for nothing else.
            session.Run("1");
            const string timed = "$clock = [Diagnostics.Stopwatch]::StartNew(); $found = @(Get-IpcObject); " +
                "$seconds = $clock.Elapsed.TotalSeconds; $seconds";
            var first = session.Measure(timed);
            var found = session.Measure("$found.Count");
            if (found < Objects) throw new InvalidOperationException($"Get-IpcObject found {found} objects of {Objects}.");
            return (first, Enumerable.Range(0, 3).Select(_ => session.Measure(timed)).Order().ElementAt(1));
        }
        finally
        {
            runtime.Delete(recursive: true);
        }
    }

    private static string[] Namespaces()
    {
        string[] unshare = ["unshare", "--ipc", "--pid", "--mount", "--fork", "--mount-proc"];
        using var trial = Process.Start(new ProcessStartInfo(unshare[0], [.. unshare.Skip(1), "true"]) { RedirectStandardError = true });
        trial!.WaitForExit();
        return trial.ExitCode == 0 ? unshare : [];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
