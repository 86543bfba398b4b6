using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using IpcPs.Processes;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The peers that are C programs: compiled by gcc once a run, and not at all where there is no gcc or a library of theirs is
/// missing.</summary>
internal static class CPrograms
{
    private static readonly ConcurrentDictionary<string, string?> Compiled = new();

    /// <summary>Runs peers/NAME.c, which prints its figure, and what a message costs.</summary>
    /// <returns>The number; null where it can't be compiled here.</returns>
    public static double? Run(string name, params string[] args) => RunOn(null, name, args);

    /// <summary>The same with both its processes on the cores given, as taskset(1) takes them.</summary>
    public static double? RunOn(string? cores, string name, params string[] args) =>
        Find(name) is { } program ? PeerProgram.Run(cores, [program, .. args]) : null;

    /// <summary>The compiled program; null where it can't be compiled here.</summary>
    public static string? Find(string name) => Compiled.GetOrAdd(name, Compile);

    private static string? Compile(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"ipcps-bench-{Environment.ProcessId}"));
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (folder.Exists) folder.Delete(recursive: true);
        };
        var source = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "peers"), name + ".c*").Single();
        var program = Path.Combine(folder.FullName, name);
        var compiler = source.EndsWith(".cpp", StringComparison.Ordinal) ? "g++" : "gcc";
        string[] libraries = name.StartsWith("zmq", StringComparison.Ordinal) ? ["-lzmq"] : [];
        try
        {
            string[] arguments = ["-O2", "-o", program, source, "-lrt", "-pthread", "-lm", .. libraries];
            using var process = Process.Start(new ProcessStartInfo(compiler, arguments) { RedirectStandardError = true })!;
            var complaints = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0) return program;
            var error = complaints.Split('\n').FirstOrDefault(static l => l.Contains("error", StringComparison.Ordinal));
            Console.WriteLine($"({name} can't be compiled here and is left out: {error})");
        }
        catch (Win32Exception)
        {
            Console.WriteLine($"(no {compiler} here: {name} is left out)");
        }
        return null;
    }
}
