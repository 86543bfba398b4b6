using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using IpcPs.Inventory;

namespace IpcPs.Module.Commands.Inventory;

/// <summary>What a listing could not see, said as a warning once a session: it is the same each time, and after the first time a verbose message does.</summary>
internal static class SessionWarnings
{
    private static readonly ConditionalWeakTable<Runspace, HashSet<string>> Said = [];

    public static void Say(Cmdlet command, IEnumerable<InventoryProblem> problems)
    {
        var said = Said.GetOrCreateValue(Runspace.DefaultRunspace);
        foreach (var problem in problems)
        {
            bool isNew;
            lock (said) isNew = said.Add(problem.Topic);
            if (isNew) command.WriteWarning(problem.Text);
            else command.WriteVerbose(problem.Text);
        }
    }
}
