using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using IpcPs.Inventory;
using IpcPs.Module.Completion;

namespace IpcPs.Module.Commands.Inventory;

/// <summary>The base of the commands that list objects: they select them by name and kind, and warn about what they cannot see.</summary>
public abstract class InventoryCommand : IpcCmdlet
{
    private static readonly ConditionalWeakTable<Runspace, HashSet<string>> Warned = [];

    /// <summary>Names or addresses; wildcards allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(AddressCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>The schemes of the mechanisms to list.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public IpcScheme[]? Kind { get; set; }

    /// <summary>Whether each of <see cref="Name"/> stands for itself.</summary>
    private protected bool IsLiteral => Name is { Length: > 0 } && !Name.Any(WildcardPattern.ContainsWildcardCharacters);

    /// <summary>The schemes to list; none for all of this machine. The objects of other machines are listed only where the user asks for
    /// them: by -Kind, or by names that are all addresses of a broker.</summary>
    private protected IpcScheme[] Kinds()
    {
        if (Kind is not null) return Kind;
        var schemes = (Name ?? []).Select(BrokerScheme).ToHashSet();
        return schemes.Contains(null) ? [] : [.. schemes.Select(static s => s!.Value)];
    }

    private static IpcScheme? BrokerScheme(string name) => name.StartsWith("nats:", StringComparison.OrdinalIgnoreCase) ? IpcScheme.Nats
        : name.StartsWith("tls:", StringComparison.OrdinalIgnoreCase) ? IpcScheme.Tls : null;

    /// <summary>The objects of these mechanisms that have one of the names.</summary>
    private protected IReadOnlyList<IpcObjectInfo> Find(
        IReadOnlyList<IpcScheme> schemes, bool all, IReadOnlyCollection<int>? holderIds = null)
    {
        var filter = new InventoryFilter
        {
            Schemes = schemes,
            All = all,
            Names = Name is null ? null : NameMatcher(),
            Literals = IsLiteral ? [.. Name!.Select(Normalize)] : null,
            Patterns = Name ?? [],
            HolderIds = holderIds ?? [],
        };
        var found = IpcInventory.List(filter, out var problems);
        WarnOnce(problems);
        return found;
    }

    /// <summary>Whether a name or an address is one of <see cref="Name"/>.</summary>
    private protected Func<string, bool> NameMatcher()
    {
        var patterns = (Name ?? ["*"]).Select(static n => WildcardPattern.Get(Normalize(n), WildcardOptions.IgnoreCase)).ToList();
        return text => patterns.Exists(p => p.IsMatch(text));
    }

    // A problem is the same at each call: a session gets one warning about it, and then verbose messages.
    private protected void WarnOnce(IEnumerable<InventoryProblem> problems)
    {
        var warned = Warned.GetOrCreateValue(Runspace.DefaultRunspace);
        foreach (var problem in problems)
        {
            bool isNew;
            lock (warned) isNew = warned.Add(problem.Topic);
            if (isNew) WriteWarning(problem.Text);
            else WriteVerbose(problem.Text);
        }
    }

    // The user may write a key in decimal; the list has it in hexadecimal.
    private static string Normalize(string name) =>
        !WildcardPattern.ContainsWildcardCharacters(name) && IpcAddress.TryParse(name, out var address) ? address!.Text : name;
}
