using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace IpcPs.Strength.Waiting;

/// <summary>Every command that can wait, in real PowerShell: while it waits it uses no CPU, and Ctrl+C ends it.</summary>
internal sealed class WaitingCommands : IAttack
{
    private const string Fault = "fault: ", Done = "done: ";

    public string Name => "commands that wait";

    public void Run(AttackContext context)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Waiting", "waiting-commands.ps1");
        var seconds = Math.Max(3, context.Settings.Seconds).ToString(CultureInfo.InvariantCulture);
        var manifest = Path.Combine(Metadata("RepositoryRoot"), "IpcPs.psd1");
        var start = new ProcessStartInfo(
            Metadata("Dotnet"),
            [Metadata("Pwsh"), "-NoProfile", "-NonInteractive", "-File", script, manifest, seconds])
        { RedirectStandardOutput = true };
        start.Environment["NO_COLOR"] = "1";
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith(Done, StringComparison.Ordinal)) context.Figures = line[Done.Length..];
            else context.Fault(line.StartsWith(Fault, StringComparison.Ordinal) ? line[Fault.Length..] : line);
        }
        process.WaitForExit();
        if (context.Figures.Length == 0) context.Fault("The script did not come to its end.");
        if (process.ExitCode != 0) context.Fault($"The script ended with {process.ExitCode}.");
    }

    private static string Metadata(string key) =>
        typeof(WaitingCommands).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
