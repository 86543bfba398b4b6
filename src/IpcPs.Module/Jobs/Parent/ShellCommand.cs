using System.Reflection;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>How a child is started that is the same kind of PowerShell as this process: pwsh in pwsh, ipcps in ipcps. In a program that embeds PowerShell
/// it is the program that IPCPS_SHELL names, else ipcps or pwsh from PATH.</summary>
internal static class ShellCommand
{
    /// <summary>Names the shell for programs that embed PowerShell.</summary>
    public const string Variable = "IPCPS_SHELL";

    private static readonly string[] Shells = ["ipcps", "pwsh"];

    /// <summary>The folder of the module's assemblies.</summary>
    public static string ModuleFolder { get; } = Path.GetDirectoryName(typeof(ShellCommand).Assembly.Location)!;

    /// <summary>The manifest that the session has imported, two folders up.</summary>
    public static string Manifest { get; } = Path.GetFullPath(Path.Combine(ModuleFolder, "..", "..", "IpcPs.psd1"));

    /// <summary>The program and its arguments.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no PowerShell is known that could run the job.</exception>
    public static (string FileName, IReadOnlyList<string> Arguments) ForChild()
    {
        var (fileName, first) = Find();
        return (fileName, [.. first, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", Script()]);
    }

    private static (string FileName, string[] First) Find()
    {
        var own = Environment.ProcessPath;
        if (own is not null && Shells.Contains(Assembly.GetEntryAssembly()?.GetName().Name))
        {
            // Started as `dotnet pwsh.dll`: the dll is the first of the arguments that .NET gives, and so it must be of the child's.
            return Path.GetFileName(own) == "dotnet" ? (own, [Environment.GetCommandLineArgs()[0]]) : (own, []);
        }
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen) return (chosen, []);
        foreach (var shell in Shells)
        {
            foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
            {
                var path = Path.Combine(folder, shell);
                if (folder.Length > 0 && File.Exists(path)) return (path, []);
            }
        }
        throw new IpcException(IpcErrors.NotFound, "No PowerShell was found that could run the job: this process is neither pwsh nor ipcps, and none is on PATH.", null,
            $"Set the environment variable {Variable} to the full path of pwsh or ipcps.");
    }

    // As PowerShell imports the module, but without commands and formats: the session of the job is another one, which imports it as users do.
    private static string Script() =>
        $"[void][Reflection.Assembly]::LoadFrom({Quote("IpcPs.Loader.dll")});[IpcPs.Loading.ModuleLoader]::new().OnImport();" +
        $"[void][Reflection.Assembly]::LoadFrom({Quote("IpcPs.Module.dll")});[{typeof(Child.JobChild).FullName}]::Run()";

    private static string Quote(string file) => $"'{Path.Combine(ModuleFolder, file).Replace("'", "''", StringComparison.Ordinal)}'";
}
