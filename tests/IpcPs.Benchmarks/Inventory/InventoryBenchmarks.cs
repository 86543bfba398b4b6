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
    private const string Machine = "2,000 processes and 5,000 objects";
    private const string Later = "later calls";
    private static readonly Contender Goal = new("the goal: half a second", static () => 0.5);

    // What is asked for, and how much of the time of a whole listing it may take.
    private static readonly (string Name, string Script, double Goal)[] Parts =
    [
        ("-Kind SysVMq", "Get-IpcObject -Kind SysVMq", 0.3),
        ("a name that does not exist", "Get-IpcObject mq:/ipcps-bench-nothing -ErrorAction Ignore", 0.1),
        ("-Id of one process", "Get-IpcObject -Id $PID", 0.8),
        ("completion of sysvsem:", "(TabExpansion2 'Lock-IpcObject sysvsem:').CompletionMatches", 0.3),
        ("completion of mq:", "(TabExpansion2 'Send-IpcMessage mq:').CompletionMatches", 0.1),
    ];

    private readonly List<Dictionary<string, double>?> _runs = [];

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            yield return new($"Get-IpcObject, {Machine}, first call", "s", 2, true, Of("first call"), Goal);
            yield return new($"Get-IpcObject, {Machine}, {Later}", "s", 1, true, Of(Later), Goal);
            foreach (var (name, _, goal) in Parts)
                yield return new($"Get-IpcObject, {Machine}, {name}", "s", goal, true, Of(name), Of(Later) with { Name = "all" });
        }
    }

    // One machine measures all of them. Each repetition has one of its own.
    private Contender Of(string what)
    {
        var next = 0;
        return new("pwsh", () =>
        {
            while (_runs.Count <= next) _runs.Add(List());
            return _runs[next++]?[what];
        });
    }

    private static Dictionary<string, double>? List()
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
            var first = Time("Get-IpcObject");
            var found = session.Measure("$found.Count");
            if (found < Objects) throw new InvalidOperationException($"Get-IpcObject found {found} objects of {Objects}.");
            var times = Parts.ToDictionary(static p => p.Name, p => Middle(p.Script));
            times.Add("first call", first);
            times.Add(Later, Middle("Get-IpcObject"));
            return times;

            double Time(string script) => session.Measure(
                $"$clock = [Diagnostics.Stopwatch]::StartNew(); $found = @({script}); $seconds = $clock.Elapsed.TotalSeconds; $seconds");

            double Middle(string script) => Enumerable.Range(0, 5).Select(_ => Time(script)).Order().ElementAt(2);
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
