using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace IpcPs.Benchmarks.Shells;

/// <summary>A pwsh process with the module in it, which runs the scripts that it is given, one after the other in one session.
/// Compiled code stays compiled from one measurement to the next.</summary>
internal sealed class ShellSession : IDisposable
{
    // Each line is a script in Base64, each answer a line: "= result" or "! error".
    private const string Loop = """
        while ($null -ne ($line = [Console]::In.ReadLine())) {
            try {
                $result = . ([scriptblock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line))))
                [Console]::Out.WriteLine('= ' + $result)
            } catch {
                [Console]::Out.WriteLine('! ' + $_)
            }
        }
        """;

    private readonly Process _process;

    private ShellSession(Process process) => _process = process;

    public int ProcessId => _process.Id;

    /// <summary>Starts one, imports the module and this assembly's own cmdlets.</summary>
    /// <param name="within">A program, and arguments, that runs it; none to run it as it is.</param>
    /// <param name="runtimeFolder">Its XDG_RUNTIME_DIR; null for that of this process.</param>
    public static ShellSession Start(string[]? within = null, string? runtimeFolder = null)
    {
        var import = $"Import-Module '{Build.Manifest}'\nImport-Module '{typeof(ShellSession).Assembly.Location}'\n";
        var encoded = Convert.ToBase64String(Encoding.Unicode.GetBytes("$ErrorActionPreference = 'Stop'\n" + import + Loop));
        string[] command = [.. within ?? [], .. Build.Pwsh, "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (runtimeFolder is not null) start.Environment["XDG_RUNTIME_DIR"] = runtimeFolder;
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        return new ShellSession(Process.Start(start)!);
    }

    /// <summary>Starts a script.</summary>
    public void Begin(string script) => _process.StandardInput.WriteLine(Convert.ToBase64String(Encoding.UTF8.GetBytes(script)));

    /// <summary>Waits for what was begun.</summary>
    /// <returns>What the script gave, as text.</returns>
    public string End()
    {
        while (true)
        {
            var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The PowerShell process ended early.");
            if (line.StartsWith("= ", StringComparison.Ordinal)) return line[2..];
            if (line.StartsWith("! ", StringComparison.Ordinal)) throw new InvalidOperationException($"The script failed: {line[2..]}");
        }
    }

    /// <summary>Runs a script.</summary>
    public string Run(string script)
    {
        Begin(script);
        return End();
    }

    /// <summary>Runs a script that gives a number.</summary>
    public double Measure(string script) => double.Parse(Run(script), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(10_000)) _process.Kill();
        _process.Dispose();
    }
}
