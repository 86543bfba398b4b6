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

    /// <summary>Evaluates every <c>$using:</c> expression of scripts, nested blocks included, with what follows the variable's name:
    /// members and indexes. As the engine does, in strict mode: a member or an index that does not exist is an error.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: a variable, a member or an index does not exist.</exception>
    public static Hashtable Of(PSCmdlet cmdlet, params IEnumerable<ScriptBlock?> scripts)
    {
        var values = new Hashtable();
        foreach (var script in scripts)
        {
            if (script is not null) Add(values, script, cmdlet);
        }
        return values;
    }

    private static void Add(Hashtable values, ScriptBlock script, PSCmdlet cmdlet)
    {
        foreach (var ast in script.Ast.FindAll(static a => a is UsingExpressionAst, searchNestedScriptBlocks: true))
        {
            var expression = (UsingExpressionAst)ast;
            var key = Key(expression);
            if (values.ContainsKey(key)) continue;
            if (TryEvaluate(expression, cmdlet, out var value, out var why)) values[key] = value;
            else if (s_inherited.Contains(key)) values[key] = s_inherited[key];
            else if (!IsInInnerBlock(expression, script.Ast))
                throw IpcException.Argument($"'{expression.Extent.Text}' (script line {expression.Extent.StartLineNumber}): {why}");
        }
    }

    private static bool TryEvaluate(UsingExpressionAst expression, PSCmdlet cmdlet, out object? value, out string why)
    {
        value = null;
        why = "the variable is not set.";
        var variable = UsingExpressionAst.ExtractUsingVariable(expression);
        try
        {
            // $using:env:NAME: what a drive does not have is $null, as outside of jobs.
            if (variable.VariablePath.IsDriveQualified) value = cmdlet.GetVariableValue(variable.VariablePath.UserPath);
            else if (cmdlet.SessionState.PSVariable.Get(variable.VariablePath.UserPath) is { } found) value = found.Value;
            else return false;
            var text = expression.SubExpression.Extent;
            var behind = text.Text[(variable.Extent.EndOffset - text.StartOffset)..];
            if (behind.Length == 0) return true;
            // The parser allows only constant members and indexes here, so the text needs no other variable. The comma keeps an array
            // an array.
            value = ScriptBlock.Create($"param($__value) Set-StrictMode -Version Latest; , $__value{behind}").Invoke(value)[0];
            return true;
        }
        catch (RuntimeException e)
        {
            why = e.Message;
            return false;
        }
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
