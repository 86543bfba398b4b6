using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The values of a script's <c>$using:</c> expressions in the session that starts it. The child passes them to its script in a
/// dictionary, as the parameter <c>--%</c>. PowerShell looks up each expression there, by a key that is made of its text.</summary>
internal static class UsingValues
{
    /// <summary>The values that this child got. Jobs that it starts see them too.</summary>
    private static IDictionary s_inherited = new Hashtable();

    /// <summary>In a child: keeps the values of its start message.</summary>
    public static void Inherit(IDictionary values) => s_inherited = values;

    /// <summary>Evaluates every <c>$using:</c> expression of the script, nested blocks included.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: a variable is not set.</exception>
    public static Hashtable Of(ScriptBlock script, PSCmdlet cmdlet)
    {
        var values = new Hashtable();
        foreach (var ast in script.Ast.FindAll(static a => a is UsingExpressionAst, searchNestedScriptBlocks: true))
        {
            var expression = (UsingExpressionAst)ast;
            var key = Key(expression);
            if (values.ContainsKey(key)) continue;
            if (TryEvaluate(expression, cmdlet, out var value)) values[key] = value;
            else if (s_inherited.Contains(key)) values[key] = s_inherited[key];
            else if (!IsInInnerBlock(expression, script.Ast))
                throw IpcException.Argument(
                    $"'{expression.Extent.Text}' (script line {expression.Extent.StartLineNumber}): the variable is not set.");
        }
        return values;
    }

    private static bool TryEvaluate(UsingExpressionAst expression, PSCmdlet cmdlet, out object? value)
    {
        value = null;
        var variable = UsingExpressionAst.ExtractUsingVariable(expression);
        var found = cmdlet.SessionState.PSVariable.Get(variable.VariablePath.UserPath);
        if (found is null && variable.VariablePath.IsDriveQualified)
        {
            // $using:env:PATH
            value = cmdlet.GetVariableValue(variable.VariablePath.UserPath);
            return value is not null;
        }
        if (found is null) return false;
        value = found.Value;
        if (ReferenceEquals(expression.SubExpression, variable)) return true;
        // $using:list[0], $using:object.Property: evaluated here, so that only the result is sent.
        var text = expression.SubExpression.Extent.Text;
        var read = ScriptBlock.Create("param($__value) " + "$__value" + text[NameLength(text)..]);
        var results = read.Invoke(value);
        value = results.Count == 1 ? results[0] : results;
        return true;
    }

    // "$using:name" or "${using:name}", as it is written.
    private static int NameLength(string text)
    {
        if (text.StartsWith("${", StringComparison.Ordinal)) return text.IndexOf('}', StringComparison.Ordinal) + 1;
        var end = text.IndexOf(':', StringComparison.Ordinal) + 1;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_')) end++;
        return end;
    }

    /// <summary>Whether an expression is in a script block inside the script. Then it may be for a job that the script starts, with the
    /// script's variables.</summary>
    private static bool IsInInnerBlock(Ast expression, Ast script)
    {
        for (var parent = expression.Parent; parent is not null && !ReferenceEquals(parent, script); parent = parent.Parent)
        {
            if (parent is ScriptBlockExpressionAst) return !ReferenceEquals(((ScriptBlockExpressionAst)parent).ScriptBlock, script);
        }
        return false;
    }

    // PowerShell's rule: Base64 of the text; a mere variable in lower case.
    private static string Key(UsingExpressionAst expression)
    {
        var text = expression.ToString();
        if (expression.SubExpression is VariableExpressionAst) text = text.ToLowerInvariant();
        return Convert.ToBase64String(Encoding.Unicode.GetBytes(text));
    }
}
