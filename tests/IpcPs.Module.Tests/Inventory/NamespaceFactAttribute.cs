using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace IpcPs.Module.Tests.Inventory;

/// <summary>A test that needs a machine of its own to strew: an IPC namespace, a /dev/shm and a runtime folder that no other process uses
/// (unshare(1), mount(8)); and gcc.</summary>
public sealed class NamespaceFactAttribute : FactAttribute
{
    private const string Prepare = "mount -t tmpfs tmpfs /dev/shm && ";

    private static readonly string? Missing =
        !Succeeds("unshare", "-im", "sh", "-c", Prepare + "true") ? "No IPC and mount namespaces of its own can be had here."
        : !Succeeds("gcc", "--version") ? "gcc is not on PATH."
        : null;

    /// <summary>Skips the test where that can't be had.</summary>
    public NamespaceFactAttribute() => Skip = Missing;

    /// <summary>Runs a script in pwsh there.</summary>
    /// <param name="script">The script.</param>
    /// <param name="folder">A folder, in which the runtime folder will be.</param>
    /// <param name="wrapper">What runs pwsh: <c>setpriv …</c>.</param>
    public static ShellResult Run(string script, string folder, params string[] wrapper)
    {
        var start = new ProcessStartInfo("unshare",
        [
            "-im", "sh", "-c", Prepare + "exec \"$@\"", "sh", .. wrapper, Shell.Pwsh.Path, .. Shell.ScriptArguments(script),
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["XDG_RUNTIME_DIR"] = folder;
        start.Environment["NO_COLOR"] = "1";
        start.Environment.Remove("PSModulePath");
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ShellResult(process.ExitCode, output, error.Result);
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
