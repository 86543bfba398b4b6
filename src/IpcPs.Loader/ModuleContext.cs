using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>The module's own load context. It loads the assemblies that ship with the module, and in <c>nats/</c> those that only a broker
/// needs, even if the process has other versions.</summary>
internal sealed class ModuleContext(string folder) : AssemblyLoadContext("IpcPs")
{
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var file = assemblyName.Name + ".dll";
        var path = Path.Combine(folder, file);
        if (!File.Exists(path)) path = Path.GetFullPath(Path.Combine(folder, "..", "nats", file));
        return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }
}
