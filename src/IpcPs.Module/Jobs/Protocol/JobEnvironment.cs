using System.Collections;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The environment variables of a job's process.</summary>
internal static class JobEnvironment
{
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

    /// <summary>This process's environment with changes; null if there are no changes.</summary>
    public static IReadOnlyDictionary<string, string>? With(IReadOnlyDictionary<string, string?> changes)
    {
        if (changes.Count == 0) return null;
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (!changes.ContainsKey((string)variable.Key)) result.Add((string)variable.Key, (string?)variable.Value ?? "");
        }
        foreach (var (name, value) in changes)
        {
            if (value is not null) result.Add(name, value);
        }
        return result;
    }
}
