using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>Makes IpcPs.Core load in a context of its own, so that another module can use another version of it.
/// The manifest loads this assembly before IpcPs.Module.dll (NestedModules).</summary>
public sealed class ModuleLoader : IModuleAssemblyInitializer
{
    private const string CoreName = "IpcPs.Core";
    private static readonly object Guard = new();
    private static ModuleContext? s_context;

    /// <summary>Called by PowerShell at each import. A second import finds everything in place.</summary>
    public void OnImport()
    {
        lock (Guard)
        {
            if (s_context is not null) return;
            var context = new ModuleContext(Path.Combine(Path.GetDirectoryName(typeof(ModuleLoader).Assembly.Location)!, "deps"));
            ThrowIfForeignCoreWins(context.CoreVersion);
            s_context = context;
            AssemblyLoadContext.Default.Resolving += ResolveCore;
            // Now: the runtime remembers the answer, and a copy that is loaded later does not replace it.
            Assembly.Load(new AssemblyName(CoreName) { Version = context.CoreVersion });
        }
    }

    // Only the core.
    private static Assembly? ResolveCore(AssemblyLoadContext context, AssemblyName name) =>
        name.Name == CoreName ? s_context!.LoadFromAssemblyName(name) : null;

    // The runtime ignores an older copy in the process, because it does not satisfy the reference. It would use a newer one.
    private static void ThrowIfForeignCoreWins(Version wanted)
    {
        foreach (var assembly in AssemblyLoadContext.Default.Assemblies)
        {
            if (assembly.GetName() is { Name: CoreName, Version: var version } && version > wanted)
            {
                throw new InvalidOperationException(
                    $"IpcPs.Core {version} is loaded already, from '{assembly.Location}', and IpcPs needs its own {wanted}. "
                    + "Import IpcPs before the module that loads the other version, or in another session.");
            }
        }
    }
}
