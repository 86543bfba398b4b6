using System.Diagnostics;
using System.Text;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>A program that runs as a child process: pwsh, or one that the machine has.</summary>
/// <param name="path">The program.</param>
public sealed class Shell(string path)
{
    /// <summary>The pwsh that the restore brings.</summary>
    public static Shell Pwsh { get; } = new(System.IO.Path.Combine(Build.PwshFolder, "pwsh"));

    /// <summary>The program.</summary>
    public string Path { get; } = path;

    /// <summary>A program from PATH; null where PATH has no such program.</summary>
    public static Shell? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => System.IO.Path.Combine(folder, name))
        .Where(File.Exists)
        .Select(found => new Shell(found))
        .FirstOrDefault();

    /// <summary>The arguments with which pwsh runs a script in which IpcPs has been imported.</summary>
    public static string[] ScriptArguments(string script)
    {
        var command = Encoding.Unicode.GetBytes($"Import-Module '{Build.Manifest}'\n{script}");
        return ["-NoProfile", "-NonInteractive", "-EncodedCommand", Convert.ToBase64String(command)];
    }

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
    public ShellProcess Start(string script) => StartArguments(ScriptArguments(script));

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
        // A session in this process has set it to folders of its own.
        start.Environment.Remove("PSModulePath");
        foreach (var (key, value) in environment ?? new Dictionary<string, string?>()) start.Environment[key] = value;
        return new ShellProcess(Process.Start(start)!);
    }
}
