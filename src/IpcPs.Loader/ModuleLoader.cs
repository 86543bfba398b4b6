using System.Management.Automation;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace IpcPs.Loading;

/// <summary>Makes IpcPs.Core load in a context of its own, so that another module can use another version of it.
/// The manifest loads this assembly before IpcPs.Module.dll (NestedModules).</summary>
public sealed class ModuleLoader : IModuleAssemblyInitializer
{
    /// <summary>The assembly that has the commands.</summary>
    internal const string ModuleFile = "IpcPs.Module.dll";

    /// <summary>The class of that assembly which runs a job.</summary>
    internal const string JobType = "IpcPs.Module.Jobs.Child.JobChild";

    /// <summary>Its method.</summary>
    internal const string JobMethod = "Run";

    /// <summary>The end of the command line of a job's process.</summary>
    internal const string RunJob = $"[{JobType}]::{JobMethod}()";

    private const string CoreName = "IpcPs.Core";
    // Built together. To read it from the other file costs 8 ms.
    private static readonly Version CoreVersion = typeof(ModuleLoader).Assembly.GetName().Version!;
    private static readonly object Guard = new();
    private static ModuleContext? s_context;

    /// <summary>Called by PowerShell at each import. A second import finds everything in place.</summary>
    public void OnImport()
    {
        lock (Guard)
        {
            if (s_context is not null) return;
            var folder = Path.GetDirectoryName(typeof(ModuleLoader).Assembly.Location)!;
            var native = Path.Combine(folder, $"linux-{RuntimeInformation.ProcessArchitecture}".ToLowerInvariant());
            var hasNative = File.Exists(Path.Combine(native, ModuleFile));
            var context = new ModuleContext(hasNative ? native : Path.Combine(folder, "deps"));
            ThrowIfForeignCoreWins(CoreVersion);
            s_context = context;
            AssemblyLoadContext.Default.Resolving += ResolveCore;
            // Now: the runtime remembers the answer, and a copy that is loaded later does not replace it.
            NameTypes(Assembly.Load(new AssemblyName(CoreName) { Version = CoreVersion }));
            // The same assembly as the one that PowerShell loads next, with native code in it: the runtime then gives PowerShell this one.
            if (hasNative) Assembly.LoadFrom(Path.Combine(native, ModuleFile));
        }
    }

    // PowerShell looks for types in the default context only. 'catch [IpcPs.IpcException]', and the parameters of proxy functions and
    // mocks, need the core's types, so each gets its own full name as a type accelerator, the way that PowerShell's documentation shows.
    // They stay when the module is removed: other sessions of the process may use it.
    private static void NameTypes(Assembly core)
    {
        var add = typeof(PSObject).Assembly.GetType("System.Management.Automation.TypeAccelerators")?.GetMethod("Add")?
            .CreateDelegate<Action<string, Type>>();
        if (add is null) return;
        foreach (var type in core.GetExportedTypes())
        {
            if (!type.IsGenericTypeDefinition && !type.IsNested) add(type.FullName!, type);
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
