using System.Reflection;
using System.Reflection.Emit;

namespace IpcPs.Module.Tests.Loading;

/// <summary>Another module's copy of a package: an assembly of the same name in another version, with one type of its own, and
/// a startup hook that does nothing.</summary>
internal sealed class ForeignAssembly : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-foreign-").FullName;

    /// <param name="name">The assembly's name.</param>
    /// <param name="version">Its version.</param>
    public ForeignAssembly(string name, string version)
    {
        Path = System.IO.Path.Combine(_folder, name + ".dll");
        var assembly = new PersistedAssemblyBuilder(new AssemblyName(name) { Version = Version.Parse(version) }, typeof(object).Assembly);
        var module = assembly.DefineDynamicModule(name);
        module.DefineType("Foreign.Witness", TypeAttributes.Public).CreateType();
        var hook = module.DefineType("StartupHook");
        hook.DefineMethod("Initialize", MethodAttributes.Public | MethodAttributes.Static).GetILGenerator().Emit(OpCodes.Ret);
        hook.CreateType();
        assembly.Save(Path);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>A script that loads it as PowerShell loads a module's dependency, and says which version it got.</summary>
    public string Load => $"[Reflection.Assembly]::LoadFrom('{Path}').GetType('Foreign.Witness').Assembly.GetName().Version.ToString()";

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
