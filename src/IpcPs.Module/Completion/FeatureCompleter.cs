using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Inventory;

namespace IpcPs.Module.Completion;

/// <summary>Offers the names of what Test-IpcFeature tries.</summary>
public sealed class FeatureCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        IpcFeatures.Names.Where(n => n.StartsWith(wordToComplete ?? "", StringComparison.OrdinalIgnoreCase)).Select(static n => new CompletionResult(n));
}
