using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace IpcPs.Host;

/// <summary>The interactive prompt: reads a statement, which may take several lines, runs it, and again.</summary>
internal sealed class PromptLoop(ConsoleShell shell, Screen screen, Interruption interruption)
{
    private readonly LineEditor _editor = new(screen, shell.Complete);

    /// <summary>Prompts until the session, or this nested prompt, ends.</summary>
    public void Run(Func<bool> isOver)
    {
        while (!isOver())
        {
            if (ReadStatement() is not { } statement) return;
            if (!string.IsNullOrWhiteSpace(statement)) shell.ExecuteStatement(statement);
        }
    }

    private string? ReadStatement()
    {
        var statement = "";
        var prompt = shell.PromptText();
        while (true)
        {
            var line = ReadLine(prompt, out var cancelled);
            if (line is null || cancelled) return line;
            // As pwsh: an empty line ends what would otherwise wait for more.
            var isLast = statement.Length > 0 && line.Length == 0;
            statement += statement.Length == 0 ? line : "\n" + line;
            Parser.ParseInput(statement, out _, out var errors);
            if (isLast || !errors.Any(static e => e.IncompleteInput)) return statement;
            prompt = ">> ";
        }
    }

    private string? ReadLine(string prompt, out bool cancelled)
    {
        cancelled = false;
        interruption.AtPrompt(waiting: true);
        try
        {
            if (screen.OutputHasColour)
            {
                Console.TreatControlCAsInput = true;
                return _editor.Read(prompt, out cancelled);
            }
            screen.Write(prompt);
            return Console.In.ReadLine();
        }
        finally
        {
            if (screen.OutputHasColour) Console.TreatControlCAsInput = false;
            interruption.AtPrompt(waiting: false);
        }
    }
}
