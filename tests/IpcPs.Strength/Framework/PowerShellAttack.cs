using System.Diagnostics;
using System.Reflection;

namespace IpcPs.Strength.Framework;

/// <summary>An attack that is a script in real PowerShell. It writes a line "fault: ..." for each fault, and at its end a line
/// "done: ..." with what it did.</summary>
internal static class PowerShellAttack
{
    private const string Fault = "fault: ", Done = "done: ";

    /// <summary>Runs a script.</summary>
    /// <param name="context">What gets the faults and the figures.</param>
    /// <param name="script">Its path, relative to this program's folder.</param>
    /// <param name="arguments">Its arguments after the first, which is the path of the module's manifest.</param>
    public static void Run(AttackContext context, string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Metadata("Dotnet"),
            [
                Metadata("Pwsh"), "-NoProfile", "-NonInteractive", "-File", Path.Combine(AppContext.BaseDirectory, script),
                Path.Combine(Metadata("RepositoryRoot"), "IpcPs.psd1"), .. arguments,
            ])
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
        typeof(PowerShellAttack).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
