using System.Management.Automation;
using System.Reflection;

namespace IpcPs.Module;

/// <summary>Called by PowerShell at <c>Import-Module</c>: loads the runtime's assemblies that a command may need later.</summary>
/// <remarks>The runtime loads an assembly when it is first used. When the process can open no more descriptors, that fails, and the runtime
/// remembers the failure: the command would never work again in this session. There are about twenty, and a thread of its own loads them
/// in some milliseconds.</remarks>
public sealed class ModulePreparation : IModuleAssemblyInitializer
{
    private static int s_started;

    /// <inheritdoc/>
    public void OnImport()
    {
        if (Interlocked.Exchange(ref s_started, 1) != 0) return;
        new Thread(LoadReferences) { IsBackground = true, Name = "IpcPs assemblies" }.Start();
    }

    private static void LoadReferences()
    {
        var seen = new HashSet<string>();
        var assemblies = new Stack<Assembly>([typeof(ModulePreparation).Assembly, typeof(IpcObject).Assembly]);
        while (assemblies.TryPop(out var assembly))
        {
            foreach (var name in assembly.GetReferencedAssemblies())
            {
                // PowerShell's own are not IpcPs's business, and they are many.
                if (name.Name is not { } simple || simple == "System.Management.Automation" || !seen.Add(simple)) continue;
                try
                {
                    assemblies.Push(Assembly.Load(name));
                }
                catch (IOException)
                {
                    // The command that needs it reports it.
                }
            }
        }
    }
}
