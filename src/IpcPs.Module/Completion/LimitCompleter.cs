using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Inventory;

namespace IpcPs.Module.Completion;

/// <summary>Offers the names of the limits that this machine has.</summary>
public sealed class LimitCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        foreach (var limit in IpcLimits.List())
        {
            if (!limit.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase)) continue;
            yield return new CompletionResult(limit.Name.Contains(' ', StringComparison.Ordinal) ? $"'{limit.Name}'" : limit.Name, limit.Name, CompletionResultType.ParameterValue, limit.Meaning);
        }
    }
}
