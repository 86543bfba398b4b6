using System.Collections.Concurrent;
using System.Text.Json;

namespace IpcPs.Module.Tests.Pester;

/// <summary>Runs files of tests/Pester in pwsh, each once.</summary>
internal static class PesterRun
{
    private static readonly string Folder = Path.Combine(Build.RepositoryRoot, "tests", "Pester");
    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<PesterResult>>> Results = new();

    /// <summary>All tests of all files, in order.</summary>
    public static IReadOnlyList<PesterResult> List() =>
        Invoke(Directory.GetFiles(Folder, "*.Tests.ps1").Order(StringComparer.Ordinal), "-List");

    /// <summary>What came of a file's tests, in order.</summary>
    public static IReadOnlyList<PesterResult> Run(string file) =>
        Results.GetOrAdd(file, static f => new Lazy<IReadOnlyList<PesterResult>>(() => Invoke([Path.Combine(Folder, f)]))).Value;

    private static List<PesterResult> Invoke(IEnumerable<string> files, params string[] options)
    {
        var result = Path.GetTempFileName();
        try
        {
            var script = Path.Combine(Folder, "Invoke-Tests.ps1");
            var paths = string.Join(", ", files.Select(static f => $"'{f}'"));
            var command = $"& '{script}' -Path {paths} -Result '{result}' -Pester '{Build.Pester}' {string.Join(' ', options)}";
            using var running = Shell.Pwsh.StartArguments(["-NoProfile", "-NonInteractive", "-Command", command]);
            using var limit = running.KillAfter(TimeSpan.FromMinutes(5));
            var run = running.Finish();
            var json = File.ReadAllText(result);
            if (run.ExitCode == 0 && json.Length > 0) return JsonSerializer.Deserialize<List<PesterResult>>(json)!;
            throw new InvalidOperationException($"Pester ended with exit code {run.ExitCode}.\n{run.Output}\n{run.Error}");
        }
        finally
        {
            File.Delete(result);
        }
    }
}
