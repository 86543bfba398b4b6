using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>Loaded before IpcPs.Module.dll (NestedModules in the manifest): from then on IpcPs.Core and the packages that it needs come
/// from /// the module's own load context, so that another module's copy of the same package, in another version, does no harm to either.</summary>
public sealed class ModuleLoader : IModuleAssemblyInitializer
{
    private const string CoreName = "IpcPs.Core";
    private static readonly object Guard = new();
    private static ModuleContext? s_context;

    /// <summary>Called by PowerShell at each import; the second finds everything in place.</summary>
    public void OnImport()
    {
        lock (Guard)
        {
            if (s_context is not null) return;
            var context = new ModuleContext(Path.Combine(Path.GetDirectoryName(typeof(ModuleLoader).Assembly.Location)!, "deps"));
            ThrowIfForeignCoreWins(context.CoreVersion);
            s_context = context;
            AssemblyLoadContext.Default.Resolving += ResolveCore;
            // At once: the answer is remembered, and a copy that comes into the process later finds the place taken.
            Assembly.Load(new AssemblyName(CoreName) { Version = context.CoreVersion });
        }
    }

    // Only the core: the packages behind it are asked for by the core itself, and so within its own context.
    private static Assembly? ResolveCore(AssemblyLoadContext context, AssemblyName name) =>
        name.Name == CoreName ? s_context!.LoadFromAssemblyName(name) : null;

    // An older copy in the process is passed over, because it doesn't satisfy the reference. A newer one would be taken for ours.
    private static void ThrowIfForeignCoreWins(Version wanted)
    {
        foreach (var assembly in AssemblyLoadContext.Default.Assemblies)
        {
            if (assembly.GetName() is { Name: CoreName, Version: var version } && version > wanted)
                throw new InvalidOperationException(
                    $"IpcPs.Core {version} is loaded already, from '{assembly.Location}', " +
                    $"and IpcPs needs its own {wanted}. Import IpcPs before the module that brings the other, or in another session.");
        }
    }
}
