using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>A PowerShell session in the test process, with PowerShell's own commands and the built IpcPs.psd1.</summary>
/// <remarks>The test process's own IpcPs.Core serves the module here, so that a test can name its types. One session a test:
/// they may run side by side.</remarks>
public sealed class ModuleSession : IDisposable
{
    private readonly Runspace _runspace;

    // A program that embeds PowerShell, as this one does, runs its jobs in the pwsh on PATH.
    static ModuleSession()
    {
        Environment.SetEnvironmentVariable("PATH", $"{Build.PwshFolder}:{Environment.GetEnvironmentVariable("PATH")}");
        // The jobs inherit it. Without telemetry pwsh starts a sixth faster.
        Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");
    }

    /// <summary>Opens a session and imports the module; fails where that fails.</summary>
    public ModuleSession()
    {
        var state = InitialSessionState.CreateDefault();
        state.ImportPSModule([Build.Manifest]);
        // A failed import is a failed test, not an entry in the runspace's error list.
        state.ThrowOnRunspaceOpenError = true;
        _runspace = RunspaceFactory.CreateRunspace(state);
        _runspace.Open();
    }

    /// <summary>The runspace, for what a script cannot do.</summary>
    public Runspace Runspace => _runspace;

    /// <summary>Runs a script to its end.</summary>
    /// <param name="script">The script; <c>$args</c> are <paramref name="arguments"/>.</param>
    /// <param name="arguments">Its arguments: live objects.</param>
    public SessionResult Run(string script, params object?[] arguments)
    {
        using var running = Start(script, arguments);
        return running.Wait();
    }

    /// <summary>Runs a script with objects as its <c>$input</c>.</summary>
    public SessionResult RunWithInput(IEnumerable<object?> input, string script, params object?[] arguments)
    {
        using var running = new RunningScript(Command(script, arguments), input);
        return running.Wait();
    }

    /// <summary>Starts a script, to be waited for or stopped (as Ctrl+C does) by the caller. A session runs one script at a time.</summary>
    public RunningScript Start(string script, params object?[] arguments) => new(Command(script, arguments), input: null);

    /// <summary>Sets a variable of the session.</summary>
    public void Set(string name, object? value) => _runspace.SessionStateProxy.SetVariable(name, value);

    /// <summary>Gets a variable of the session.</summary>
    public object? Get(string name) => _runspace.SessionStateProxy.GetVariable(name);

    /// <inheritdoc/>
    public void Dispose() => _runspace.Dispose();

    private PowerShell Command(string script, object?[] arguments)
    {
        var shell = PowerShell.Create(_runspace).AddScript(script);
        foreach (var argument in arguments) shell.AddArgument(argument);
        return shell;
    }
}
