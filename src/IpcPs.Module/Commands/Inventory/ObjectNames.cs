using System.Management.Automation;

namespace IpcPs.Module.Commands.Inventory;

/// <summary>How names, addresses and wildcards choose among the objects of the machine.</summary>
internal static class ObjectNames
{
    /// <summary>The patterns that names given by a user stand for.</summary>
    public static IEnumerable<WildcardPattern> Patterns(IEnumerable<string> names) => names.Select(static n => WildcardPattern.Get(OneSpelling(n), WildcardOptions.IgnoreCase));

    // A key may be written in decimal, as an address takes it; the list has it in hexadecimal.
    private static string OneSpelling(string name) =>
        !WildcardPattern.ContainsWildcardCharacters(name) && IpcAddress.TryParse(name, out var address) ? address!.Text : name;
}
