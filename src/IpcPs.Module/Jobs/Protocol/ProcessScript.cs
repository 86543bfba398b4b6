using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>Makes the script of a job of the script blocks that ForEach-Object takes.</summary>
internal static class ProcessScript
{
    /// <summary>The name of the variable with what a worker calls for an item that fails.</summary>
    public const string FailVariable = "__IpcFailItem";

    /// <summary>The script.</summary>
    /// <param name="process">Runs once for each object, which is <c>$_</c>.</param>
    /// <param name="begin">Runs before the first one; null for none.</param>
    /// <param name="end">Runs after the last one; null for none.</param>
    /// <param name="asWorker">Whether an error that ends <paramref name="process"/> fails one item. Otherwise it ends the script.</param>
    /// <remarks>The text of <paramref name="process"/> is on the lines on which it is in the script block, so that errors name the right
    /// one. A line break at the end of each block ends a comment.</remarks>
    public static string Of(ScriptBlock process, ScriptBlock? begin, ScriptBlock? end, bool asWorker)
    {
        var text = new StringBuilder("$input | Microsoft.PowerShell.Core\\ForEach-Object -Process {");
        if (!asWorker) text.Append(process);
        else
        {
            // In the same block, so that $input and return mean the same; a block with parameters or named blocks can't be there.
            var inner = CanStandInBlock(process) ? process.ToString() : $". {{{process}\n}}";
            text.Append("try {").Append(inner).Append("\n} catch { $").Append(FailVariable).Append(".Invoke($_) }");
        }
        text.Append("\n}");
        if (begin is not null) text.Append(" -Begin {").Append(begin).Append("\n}");
        if (end is not null) text.Append(" -End {").Append(end).Append("\n}");
        return text.ToString();
    }

    private static bool CanStandInBlock(ScriptBlock block) => block.Ast is ScriptBlockAst
    {
        ParamBlock: null, BeginBlock: null, ProcessBlock: null, DynamicParamBlock: null, UsingStatements.Count: 0, EndBlock.Unnamed: true,
    };
}
