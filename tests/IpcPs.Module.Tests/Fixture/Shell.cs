using System.Diagnostics;
using System.Text;

namespace IpcPs.Module.Tests;

/// <summary>A PowerShell that runs as a child process: ipcps, or pwsh where it is installed. Both take the same command line.</summary>
/// <param name="name">What to call it in messages.</param>
/// <param name="path">The program.</param>
public sealed class Shell(string name, string path)
{
    /// <summary>The program.</summary>
    public string Path { get; } = path;

    /// <summary>Whether it is pwsh, which doesn't import IpcPs by itself.</summary>
    public bool IsPwsh => name == "pwsh";

    /// <summary>A shell from PATH; null where there is none.</summary>
    public static Shell? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => System.IO.Path.Combine(folder, name))
        .Where(File.Exists)
        .Select(found => new Shell(name, found))
        .FirstOrDefault();

    /// <summary>Runs a script, in which IpcPs has been imported, to its end.</summary>
    public ShellResult Run(string script, string? input = null)
    {
        using var running = Start(script);
        return running.Finish(input);
    }

    /// <summary>Runs the program with arguments as they are.</summary>
    public ShellResult RunArguments(IEnumerable<string> arguments, string? input = null)
    {
        using var running = StartArguments(arguments);
        return running.Finish(input);
    }

    /// <summary>Starts a script, in which IpcPs has been imported.</summary>
    public ShellProcess Start(string script)
    {
        var whole = IsPwsh ? $"Import-Module '{Build.Manifest}'\n{script}" : script;
        return StartArguments(["-NoProfile", "-NonInteractive", "-EncodedCommand", Convert.ToBase64String(Encoding.Unicode.GetBytes(whole))]);
    }

    /// <summary>Starts the program with arguments as they are.</summary>
    public ShellProcess StartArguments(IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardErrorEncoding = new UTF8Encoding(false),
            StandardInputEncoding = new UTF8Encoding(false),
            WorkingDirectory = Build.RepositoryRoot,
        };
        // No colours, no greeting, no update check: the same text wherever the tests run.
        start.Environment["NO_COLOR"] = "1";
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        foreach (var (key, value) in environment ?? new Dictionary<string, string?>()) start.Environment[key] = value;
        return new ShellProcess(Process.Start(start)!);
    }

    /// <inheritdoc/>
    public override string ToString() => name;
}
