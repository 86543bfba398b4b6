using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>A test of pwsh as process 1, as the main program of a container is: in a PID namespace of its own (unshare(1)).</summary>
public sealed class ProcessOneFactAttribute : FactAttribute
{
    private static readonly string[] Namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];

    /// <summary>Skips the test where there can be no such namespace.</summary>
    public ProcessOneFactAttribute()
    {
        if (Shell.Find("unshare") is not { } unshare || unshare.RunArguments([.. Namespace, "true"]).ExitCode != 0)
            Skip = "No PID namespace of its own can be had here.";
    }

    /// <summary>Runs a script in pwsh there.</summary>
    public static ShellResult Run(string script) =>
        Shell.Find("unshare")!.RunArguments([.. Namespace, Shell.Pwsh.Path, .. Shell.ScriptArguments(script)]);
}
