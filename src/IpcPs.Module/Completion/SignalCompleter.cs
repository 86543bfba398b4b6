using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Signals;

namespace IpcPs.Module.Completion;

/// <summary>Offers the signals' names; where a signal is to be received, only those that can be.</summary>
public sealed class SignalCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        var prefix = word.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? "SIG" : "";
        var receives = commandName is not ("Send-IpcSignal" or "Get-IpcSignal");
        foreach (var signal in SignalTable.All)
        {
            if (receives ? !signal.CanReceive : signal.Kind == SignalKind.Reserved) continue;
            foreach (var name in signal.Aliases.Prepend(signal.Name))
            {
                // Each real-time signal once, unless the other way of counting is being typed.
                if (name != signal.Name && word.Length < 4) continue;
                if ((prefix + name).StartsWith(word, StringComparison.OrdinalIgnoreCase))
                    yield return new CompletionResult(prefix + name, name, CompletionResultType.ParameterValue, $"{signal.Number}: {signal.Description}");
            }
        }
    }
}
