using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Import;

/// <summary>What Import-Module costs a new session: beside a bare pwsh, beside another binary module, and with what only a broker
/// needs.</summary>
internal sealed class ImportBenchmarks : IBenchmarkGroup
{
    // The start of a process varies more than what is measured.
    private const int Times = 9;

    private static readonly Lazy<string> WithoutBrokers = new(CopyWithoutBrokers);

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            yield return new("import of the module, beside a bare pwsh", "ms more", 1, true,
                new("Import-Module", () => More(Build.Manifest)), new("the limit", () => 100))
            {
                // A binary module that comes with PowerShell.
                Others = [(new("Microsoft.PowerShell.PSResourceGet", () => More("Microsoft.PowerShell.PSResourceGet")), null)],
            };
            yield return new("import of the module, beside one without the files for brokers", "ms", 1.05, true,
                new("with them", () => Import(Build.Manifest).Milliseconds),
                new("without", () => Import(WithoutBrokers.Value).Milliseconds));
            yield return new("memory after the import, beside a module without the files for brokers", "MiB", 1.05, true,
                new("with them", () => Import(Build.Manifest).Mebibytes), new("without", () => Import(WithoutBrokers.Value).Mebibytes));
        }
    }

    private static double More(string module) => Figures.Middle(
        [.. Enumerable.Range(0, Times).Select(_ => Start(module).Milliseconds - NewShell.Run("1").Milliseconds)]);

    private static (double Milliseconds, double Mebibytes) Import(string module)
    {
        var runs = Enumerable.Range(0, Times).Select(_ => Start(module)).ToArray();
        return (Figures.Middle(runs.Select(static r => r.Milliseconds)), Figures.Middle(runs.Select(static r => r.Mebibytes)));
    }

    private static (double Milliseconds, double Mebibytes) Start(string module)
    {
        var (milliseconds, output) = NewShell.Run($"Import-Module '{module}'; [Environment]::WorkingSet");
        return (milliseconds, double.Parse(output, CultureInfo.InvariantCulture) / (1 << 20));
    }

    private static string CopyWithoutBrokers()
    {
        var from = Path.GetDirectoryName(Build.Manifest)!;
        var to = Directory.CreateTempSubdirectory("ipcps-import-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(to, recursive: true);
        File.Copy(Build.Manifest, Path.Combine(to, Path.GetFileName(Build.Manifest)));
        var module = Path.Combine(from, "module");
        var brokers = Path.Combine(module, "bin", "nats") + Path.DirectorySeparatorChar;
        foreach (var file in Directory.EnumerateFiles(module, "*", SearchOption.AllDirectories))
        {
            if (file.StartsWith(brokers, StringComparison.Ordinal)) continue;
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return Path.Combine(to, Path.GetFileName(Build.Manifest));
    }
}
