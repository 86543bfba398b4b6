using IpcPs.Module.Jobs.Parent;
using IpcPs.Ssh;

namespace IpcPs.Module.Jobs.Remote;

/// <summary>The files of this module that another host needs to run a job, and how pwsh there begins.</summary>
internal static class RemoteModule
{
    private const string Binaries = "module/bin";

    private static readonly Lazy<ModuleArchive> Files = new(Read);

    /// <summary>The files. The help is not among them.</summary>
    public static ModuleArchive Archive => Files.Value;

    /// <summary>The arguments of pwsh.</summary>
    /// <param name="folder">The folder of the module there.</param>
    public static IReadOnlyList<string> Arguments(string folder) =>
    [
        "-NoLogo", "-NoProfile", "-NonInteractive", "-Command",
        ShellCommand.Call($"{folder}/{Binaries}", typeof(Child.RemoteJobChild), "Run()"),
    ];

    private static ModuleArchive Read()
    {
        var root = Path.GetDirectoryName(ShellCommand.Manifest)!;
        var files = Directory.EnumerateFiles(Path.Combine(root, "module"), "*", SearchOption.AllDirectories)
            .Where(static f => Path.GetExtension(f) is ".dll" or ".ps1xml")
            .Select(f => Path.GetRelativePath(root, f));
        return new ModuleArchive(root, files.Append(Path.GetFileName(ShellCommand.Manifest)));
    }
}
