using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Mechanisms;

namespace IpcPs.Module.Completion;

/// <summary>Offers the mechanisms that <c>-Via</c> takes.</summary>
public sealed class TransportCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        IpcMechanisms.Transports.Select(static k => k.Name).Where(n => n.StartsWith(wordToComplete ?? "", StringComparison.OrdinalIgnoreCase)).Select(static n => new CompletionResult(n));
}
