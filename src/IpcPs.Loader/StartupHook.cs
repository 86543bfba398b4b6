using System.Management.Automation;
using System.Reflection;
using IpcPs.Loading;

/// <summary>Begins a job before pwsh begins anything. The runtime calls it where DOTNET_STARTUP_HOOKS names this assembly, which
/// <c>Start-IpcJob</c> does. pwsh would open a session of its own first, in which the job's command would then be run to open the job's
/// session. That takes a quarter of a start's processor time.</summary>
/// <remarks>See .NET's document "Host startup hook", which says that the class has this name and no namespace. If the runtime does not call
/// it, or something is not as it should be, pwsh runs its command line as always, and that command runs the job.</remarks>
internal static class StartupHook
{
    private const string Variable = "DOTNET_STARTUP_HOOKS";

    /// <summary>Runs the job, and ends the process; returns in every other process.</summary>
    public static void Initialize()
    {
        var own = Path.GetFullPath(typeof(StartupHook).Assembly.Location);
        RemoveFromEnvironment(own);
        // A program on PATH with that name may be a script which starts other programs of .NET first.
        if (Assembly.GetEntryAssembly()?.GetName().Name != "pwsh" || Environment.GetCommandLineArgs() is not [.., var command]
            || !command.EndsWith(ModuleLoader.RunJob, StringComparison.Ordinal)) return;
        Action run;
        try
        {
            PutPowerShellFirst();
            new ModuleLoader().OnImport();
            var module = Assembly.LoadFrom(Path.Combine(Path.GetDirectoryName(own)!, ModuleLoader.ModuleFile));
            run = module.GetType(ModuleLoader.JobType, throwOnError: true)!.GetMethod(ModuleLoader.JobMethod)!.CreateDelegate<Action>();
        }
        catch (Exception)
        {
            // pwsh does the same again, and says what is wrong.
            return;
        }
        run();
    }

    /// <summary>It is not for the programs that the job starts. What the user had there stays.</summary>
    private static void RemoveFromEnvironment(string own)
    {
        var hooks = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(Path.PathSeparator);
        var others = string.Join(Path.PathSeparator, hooks.Where(h => h != own));
        Environment.SetEnvironmentVariable(Variable, others.Length == 0 ? null : others);
    }

    /// <summary>As pwsh does at its start: its own folder comes first in PATH, so that a script's 'pwsh' is this version.</summary>
    private static void PutPowerShellFirst()
    {
        var own = Path.GetDirectoryName(typeof(PSObject).Assembly.Location) + Path.PathSeparator;
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        if (!path.StartsWith(own, StringComparison.Ordinal)) Environment.SetEnvironmentVariable("PATH", own + path);
    }
}
