using System.Buffers;
using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Mechanisms;

namespace IpcPs.Module.Completion;

/// <summary>Offers the addresses of live objects, and the schemes, to every parameter that takes one.</summary>
public sealed class AddressCompleter : IArgumentCompleter
{
    private static readonly SearchValues<char> NeedQuotes = SearchValues.Create(" '\"@?#,;&|()[]{}$`");

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        foreach (var address in IpcMechanisms.All.SelectMany(static m => m.Known()))
        {
            if (address.Text.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                yield return new CompletionResult(Quote(address.Text), address.Text, CompletionResultType.ParameterValue, address.Text);
        }
        if (word.Contains(':', StringComparison.Ordinal)) yield break;
        foreach (var scheme in Enum.GetNames<IpcScheme>().Select(static n => n.ToLowerInvariant() + ":"))
        {
            if (scheme.StartsWith(word, StringComparison.OrdinalIgnoreCase)) yield return new CompletionResult(scheme);
        }
    }

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(NeedQuotes) < 0 ? text : "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
