using System.Collections;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The environment variables of a job's process.</summary>
internal static class JobEnvironment
{
    /// <summary>Settings of the .NET runtime (hexadecimal) and of PowerShell, for a process that lives for some seconds.</summary>
    /// <remarks>
    /// <para>By default the runtime compiles each of the 1,400 methods that PowerShell's start called 30 times twice again: with counters
    /// in it, and then without. On two cores that took as much time as a job's first 50,000 objects. So it compiles only once again, and
    /// only what was called a thousand times.</para>
    /// <para>A stage of a pipeline allocates 2.6 KB for an object, and the runtime collected garbage after every 2 MB. After 16 MB, the
    /// collections stop the job for a third of that time.</para>
    /// <para>PowerShell reports each start of pwsh and each import to its makers, unless the user has switched that off. The code for that
    /// took 80 ms of a job's start. The session that starts the jobs goes on reporting.</para>
    /// <para>The user's own settings win. The zeros in front, and the spelling of 'yes', tell them from these.</para>
    /// </remarks>
    private static readonly (string Name, string Value)[] Settings =
    [
        ("DOTNET_TieredPGO", "00"), ("DOTNET_TC_CallCountThreshold", "003E8"), ("DOTNET_GCgen0size", "001000000"),
        ("POWERSHELL_TELEMETRY_OPTOUT", "YeS"),
    ];

    private const string StartupHooks = "DOTNET_STARTUP_HOOKS";

    /// <summary>The variables of -Environment. What is null or an empty text removes a variable, as with Start-Process.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: a name is empty, or contains a '=' or a NUL.</exception>
    public static IReadOnlyDictionary<string, string?> Of(IDictionary? variables)
    {
        var result = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in variables ?? new Hashtable())
        {
            var name = variable.Key.ToString() ?? "";
            if (name.Length == 0 || name.AsSpan().ContainsAny('=', '\0'))
                throw IpcException.Argument($"'{name.Replace('\0', '?')}' cannot be the name of an environment variable.");
            var value = variable.Value?.ToString();
            if (value?.Contains('\0', StringComparison.Ordinal) is true)
                throw IpcException.Argument($"The environment variable '{name}' cannot contain a NUL.");
            result[name] = string.IsNullOrEmpty(value) ? null : value;
        }
        return result;
    }

    /// <summary>This process's environment with changes, and with the settings for the job's process.</summary>
    /// <param name="changes">The changes, as <see cref="Of"/> gives them.</param>
    /// <param name="startupHook">The assembly that begins the job. The runtime loads it before it runs pwsh. It removes itself from the
    /// environment.</param>
    public static IReadOnlyDictionary<string, string> With(IReadOnlyDictionary<string, string?> changes, string startupHook)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (!changes.ContainsKey((string)variable.Key)) result.Add((string)variable.Key, (string?)variable.Value ?? "");
        }
        foreach (var (name, value) in changes)
        {
            if (value is not null) result.Add(name, value);
        }
        foreach (var (name, value) in Settings)
        {
            if (!changes.ContainsKey(name)) result.TryAdd(name, value);
        }
        // The runtime could not read a list in which a path contains the character between paths.
        if (startupHook.Contains(Path.PathSeparator, StringComparison.Ordinal)) return result;
        result[StartupHooks] = result.GetValueOrDefault(StartupHooks) is { Length: > 0 } others
            ? others + Path.PathSeparator + startupHook : startupHook;
        return result;
    }

    /// <summary>Removes the settings that <see cref="With"/> added, which are not for the programs that the job starts. The session must be
    /// open: before that, PowerShell has not asked for its own.</summary>
    public static void RemoveSettings()
    {
        foreach (var (name, value) in Settings)
        {
            if (Environment.GetEnvironmentVariable(name) == value) Environment.SetEnvironmentVariable(name, null);
        }
    }
}
