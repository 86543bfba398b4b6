using System.Management.Automation;
using IpcPs.Module.Transformation;
using IpcPs.Processes;

namespace IpcPs.Module.Commands.Signals;

/// <summary>Turns what the user named into process ids.</summary>
internal static class ProcessNames
{
    /// <summary>The one id that was given, or those of the processes that have the name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: a name without wildcards that no process has, or a process that
    /// has ended.</exception>
    public static IReadOnlyList<int> Resolve(ProcessReference reference)
    {
        if (reference.Id is { } id)
        {
            return reference.HasEnded ? throw new IpcException(IpcErrors.ProcessNotFound, $"The process {id} has ended.", reference.ToString()) : [id];
        }
        var name = reference.Name!;
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        var found = ProcessTable.All().Where(p => pattern.IsMatch(p.Name)).Select(static p => p.ProcessId).ToArray();
        if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            throw new IpcException(IpcErrors.ProcessNotFound, $"No process is named '{name}'.", name);
        return found;
    }
}
