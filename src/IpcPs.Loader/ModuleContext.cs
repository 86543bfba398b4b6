using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>The module's own load context. It loads the assemblies that ship with the module, even if the process has other
/// versions.</summary>
internal sealed class ModuleContext(string folder) : AssemblyLoadContext("IpcPs")
{
    /// <summary>The version of IpcPs.Core that ships with the module.</summary>
    public Version CoreVersion { get; } = AssemblyName.GetAssemblyName(Path.Combine(folder, "IpcPs.Core.dll")).Version!;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var path = Path.Combine(folder, assemblyName.Name + ".dll");
        return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }
}
