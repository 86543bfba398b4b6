using System.Management.Automation.Language;

namespace IpcPs.Host;

/// <summary>Finds out whether a script wants standard input as its <c>$input</c>: it names it, outside of its functions.</summary>
internal static class DollarInput
{
    public static bool IsUsedIn(Ast script) =>
        script.Find(static node => node is VariableExpressionAst { VariablePath.UserPath: var name } && string.Equals(name, "input", StringComparison.OrdinalIgnoreCase),
            searchNestedScriptBlocks: false) is not null;
}
