using System.Reflection;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The command that starts a job's process: the same pwsh as this process, or the pwsh on PATH if another program embeds
/// PowerShell.</summary>
internal static class ShellCommand
{
    private const string Loader = "IpcPs.Loader.dll";

    /// <summary>The folder of the module's assemblies.</summary>
    public static string ModuleFolder { get; } = FindModuleFolder();

    /// <summary>The assembly that creates the module's load context, and that begins a job as a startup hook.</summary>
    public static string LoaderPath { get; } = Path.GetFullPath(Path.Combine(ModuleFolder, Loader));

    /// <summary>The manifest of the imported module, two folders up.</summary>
    public static string Manifest { get; } = Path.GetFullPath(Path.Combine(ModuleFolder, "..", "..", "IpcPs.psd1"));

    /// <summary>The program and its arguments.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: this process is not pwsh, and PATH has none.</exception>
    public static (string FileName, IReadOnlyList<string> Arguments) ForChild() => ForChild(typeof(Child.JobChild), "Run()");

    /// <summary>The program and its arguments for a child that calls a static method of the module.</summary>
    /// <param name="type">The method's type.</param>
    /// <param name="call">The method and its arguments, as PowerShell writes them.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: as above.</exception>
    public static (string FileName, IReadOnlyList<string> Arguments) ForChild(Type type, string call)
    {
        var (fileName, first) = Find();
        return (fileName, [.. first, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", Call(ModuleFolder, type, call)]);
    }

    /// <summary>The script that calls a static method of the module.</summary>
    /// <param name="folder">The folder of the module's assemblies.</param>
    /// <param name="type">The method's type.</param>
    /// <param name="call">The method and its arguments, as PowerShell writes them.</param>
    /// <remarks>Loads the module's assemblies as PowerShell would, without commands and formats. The job's script runs in another session,
    /// which imports the module.</remarks>
    public static string Call(string folder, Type type, string call) =>
        $"[void][Reflection.Assembly]::LoadFrom({Quote(folder, Loader)});[IpcPs.Loading.ModuleLoader]::new().OnImport();" +
        $"[void][Reflection.Assembly]::LoadFrom({Quote(folder, "IpcPs.Module.dll")});[{type.FullName}]::{call}";

    // An assembly that holds native code is in a folder below.
    private static string FindModuleFolder()
    {
        var folder = Path.GetDirectoryName(typeof(ShellCommand).Assembly.Location)!;
        return File.Exists(Path.Combine(folder, Loader)) ? folder : Path.GetDirectoryName(folder)!;
    }

    private static (string FileName, string[] First) Find()
    {
        var program = Environment.ProcessPath;
        if (program is not null && Assembly.GetEntryAssembly() is { } entry && entry.GetName().Name == "pwsh")
        {
            // The .NET tool runs as `dotnet pwsh.dll`, so its child must too.
            return Path.GetFileName(program) == "dotnet" ? (program, [entry.Location]) : (program, []);
        }
        if (Programs.Find("pwsh") is { } path) return (path, []);
        throw new IpcException(IpcErrors.NotFound, "A job runs in pwsh, but this program is not pwsh, and PATH has no pwsh.", null,
            "Install PowerShell 7.4 or later, and add the folder of pwsh to PATH.");
    }

    private static string Quote(string folder, string file) =>
        $"'{Path.Combine(folder, file).Replace("'", "''", StringComparison.Ordinal)}'";
}
