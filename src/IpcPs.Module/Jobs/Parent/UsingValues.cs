using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The values of a script's <c>$using:</c> expressions in the session that starts it. PowerShell itself puts them in place in the child: a script that
/// gets a dictionary with the parameter <c>--%</c> looks up each expression in it, by a key made of its text.</summary>
internal static class UsingValues
{
    /// <summary>What the child was given: a job that it starts itself sees those too.</summary>
    private static IDictionary s_inherited = new Hashtable();

    /// <summary>Remembers, in a child, what came with its order.</summary>
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
            else if (!IsOfAnInnerBlock(expression, script.Ast))
                throw IpcException.Argument($"'{expression.Extent.Text}' (line {expression.Extent.StartLineNumber} of the script) cannot be handed over: the variable is not set in this session.");
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
        // $using:list[0], $using:object.Property: what follows the variable is evaluated here, and only its result travels.
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

    /// <summary>An expression in a block within the script may be meant for a job that the script starts itself, with variables of its own.</summary>
    private static bool IsOfAnInnerBlock(Ast expression, Ast script)
    {
        for (var parent = expression.Parent; parent is not null && !ReferenceEquals(parent, script); parent = parent.Parent)
        {
            if (parent is ScriptBlockExpressionAst) return !ReferenceEquals(((ScriptBlockExpressionAst)parent).ScriptBlock, script);
        }
        return false;
    }

    // PowerShell's rule: Base64 of the text, in lower case where it is a variable and nothing more.
    private static string Key(UsingExpressionAst expression)
    {
        var text = expression.ToString();
        if (expression.SubExpression is VariableExpressionAst) text = text.ToLowerInvariant();
        return Convert.ToBase64String(Encoding.Unicode.GetBytes(text));
    }
}
