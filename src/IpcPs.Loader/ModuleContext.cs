using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>The module's own load context. It loads the assemblies in <c>deps/</c>, even if the process has other versions.</summary>
internal sealed class ModuleContext(string folder) : AssemblyLoadContext("IpcPs")
{
    private readonly string _platform =
        Path.Combine(folder, "runtimes", RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64");

    /// <summary>The version of IpcPs.Core that ships with the module.</summary>
    public Version CoreVersion { get; } = AssemblyName.GetAssemblyName(Path.Combine(folder, "IpcPs.Core.dll")).Version!;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        foreach (var place in (ReadOnlySpan<string>)[folder, Path.Combine(_platform, "lib", "netstandard2.0")])
        {
            var path = Path.Combine(place, assemblyName.Name + ".dll");
            if (File.Exists(path)) return LoadFromAssemblyPath(path);
        }
        return null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        var path = Path.Combine(_platform, "native", $"lib{unmanagedDllName}.so");
        return File.Exists(path) ? LoadUnmanagedDllFromPath(path) : nint.Zero;
    }
}
