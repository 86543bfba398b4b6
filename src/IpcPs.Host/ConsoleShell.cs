using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace IpcPs.Host;

/// <summary>One session: opens the engine with IpcPs in it, runs what the command line says, and knows the exit code.</summary>
internal sealed class ConsoleShell : IDisposable
{
    private readonly CommandLine _line;
    private readonly Interruption _interruption;
    private readonly UserInterface _ui;
    private readonly ConsoleHost _host;
    private readonly Screen _screen;
    private Runspace? _runspace;
    private Pipeline? _running;

    public ConsoleShell(CommandLine line)
    {
        _line = line;
        var program = new ForegroundProgram();
        _interruption = new Interruption(program);
        _screen = new Screen(() => _interruption.Stop(ExitCodes.OutputClosed));
        _ui = new UserInterface(_screen, line.NonInteractive);
        _host = new ConsoleHost(_ui, program);
    }

    /// <summary>Runs the session to its end.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        _interruption.Listen();
        if (Open() is { } problem)
        {
            _ui.WriteErrorLine(problem);
            return ExitCodes.StartFailed;
        }
        var code = _line.Mode switch
        {
            CommandMode.File => RunFile(),
            CommandMode.Command => RunScript(_line.Script),
            CommandMode.StandardInput => RunScript(Console.In.ReadToEnd()),
            _ => ExitCodes.Success,
        };
        if (_line.Mode == CommandMode.Interactive || (_line.NoExit && !Console.IsInputRedirected && _host.ExitCode is null)) code = Prompt();
        // Raises PowerShell.Exiting, and lets modules close what they have open.
        _runspace!.Close();
        return _interruption.ExitCode ?? code;
    }

    public void Dispose()
    {
        _runspace?.Dispose();
        _interruption.Dispose();
    }

    /// <summary>Runs a pipeline and shows what comes of it.</summary>
    /// <returns>False where an error ended it.</returns>
    public bool Execute(Pipeline pipeline, bool readInput = false)
    {
        foreach (var command in pipeline.Commands) command.MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        pipeline.Commands.Add(new Command("Out-Default", isScript: false, useLocalScope: true));
        if (Invoke(pipeline, readInput) is not { } error) return true;
        if (error is not PipelineStoppedException) Report(error);
        return false;
    }

    /// <summary>Shows an error as the engine shows those that no script caught.</summary>
    public void Report(Exception exception)
    {
        var record = (exception as IContainsErrorRecord)?.ErrorRecord ?? new ErrorRecord(exception, "UncaughtError", ErrorCategory.NotSpecified, null);
        try
        {
            using var pipeline = CreatePipeline();
            pipeline.Commands.Add("Out-Default");
            pipeline.Input.Write(EngineInternals.AsErrorOutput(record));
            pipeline.Input.Close();
            pipeline.Invoke();
        }
        catch (RuntimeException)
        {
            // The session cannot even show it: the bare message is better than none.
            _ui.WriteErrorLine(exception.Message);
        }
    }

    /// <summary>Runs what was typed.</summary>
    public void ExecuteStatement(string statement)
    {
        try
        {
            using var pipeline = _running is null ? _runspace!.CreatePipeline(statement, addToHistory: true) : _runspace!.CreateNestedPipeline(statement, addToHistory: true);
            Execute(pipeline);
        }
        catch (RuntimeException e)
        {
            Report(e);
        }
    }

    /// <summary>What the function <c>prompt</c> says; "PS> " where it fails.</summary>
    public string PromptText()
    {
        try
        {
            using var pipeline = CreatePipeline();
            pipeline.Commands.AddScript("prompt");
            return pipeline.Invoke().FirstOrDefault()?.ToString() is { Length: > 0 } text ? text : "PS> ";
        }
        catch (RuntimeException)
        {
            return "PS> ";
        }
    }

    /// <summary>What Tab offers.</summary>
    public (int Start, int Length, IReadOnlyList<string> Texts) Complete(string text, int cursor)
    {
        // In a nested prompt the session's thread is busy with the outer pipeline, and completion would wait for it.
        if (_running is not null) return (0, 0, []);
        using var shell = PowerShell.Create(_runspace);
        var found = CommandCompletion.CompleteInput(text, cursor, null, shell);
        return (found.ReplacementIndex, found.ReplacementLength, [.. found.CompletionMatches.Select(static m => m.CompletionText)]);
    }

    private RuntimeException? Invoke(Pipeline pipeline, bool readInput)
    {
        var outer = _running;
        if (!_interruption.Begin(pipeline)) return new PipelineStoppedException();
        _running = pipeline;
        try
        {
            if (!readInput)
            {
                pipeline.Invoke();
                return null;
            }
            StandardInput.Run(pipeline);
            return pipeline.PipelineStateInfo.Reason as RuntimeException;
        }
        catch (RuntimeException e)
        {
            return e;
        }
        finally
        {
            _running = outer;
            _interruption.End(outer);
            _ui.ClearProgress();
        }
    }

    private Pipeline CreatePipeline() => _running is null ? _runspace!.CreatePipeline() : _runspace!.CreateNestedPipeline();

    private string? Open()
    {
        if (ModuleFinder.Manifest() is not { } manifest) return $"IpcPs.psd1 is neither in '{AppContext.BaseDirectory}' nor in a folder above it.";
        try
        {
            if (_line.WorkingDirectory is { } folder) Environment.CurrentDirectory = folder;
            var state = InitialSessionState.CreateDefault2();
            state.ImportPSModule([manifest]);
            state.ThrowOnRunspaceOpenError = true;
            _runspace = RunspaceFactory.CreateRunspace(_host, state);
            // One thread for the whole session: what a script keeps per thread lasts from one pipeline to the next.
            _runspace.ThreadOptions = PSThreadOptions.ReuseThread;
            _runspace.Open();
            return null;
        }
        catch (Exception e) when (e is RuntimeException or IOException or UnauthorizedAccessException)
        {
            return $"The session could not be opened: {e.Message}";
        }
    }

    private int RunFile()
    {
        using var pipeline = _runspace!.CreatePipeline();
        // Another file than a .ps1 is a script that begins with #!, which the engine would not take for one.
        var isScriptFile = _line.File.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase);
        var text = ReadFile(_line.File);
        if (text is null) return ExitCodes.Failure;
        var command = new Command(isScriptFile ? _line.File : text, isScript: !isScriptFile, useLocalScope: false);
        foreach (var argument in _line.Arguments) command.Parameters.Add(argument);
        pipeline.Commands.Add(command);
        EngineInternals.LetScriptFileExit(_runspace);
        return Finish(Execute(pipeline, Console.IsInputRedirected && DollarInput.IsUsedIn(Parser.ParseInput(text, out _, out _))));
    }

    private string? ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _ui.WriteErrorLine(e.Message);
            return null;
        }
    }

    private int RunScript(string script)
    {
        if (string.IsNullOrWhiteSpace(script)) return Finish(succeeded: true);
        var syntax = Parser.ParseInput(script, out _, out var errors);
        if (errors.Length > 0)
        {
            // Said here, because the engine keeps silent about a script that is merely unfinished: a prompt would ask for the rest.
            Report(new ParseException(errors));
            return ExitCodes.Failure;
        }
        // As an entry of the history: only those leave their mark on $?, which becomes the exit code.
        using var pipeline = _runspace!.CreatePipeline(script, addToHistory: true);
        foreach (var argument in _line.Arguments) pipeline.Commands[0].Parameters.Add(argument);
        return Finish(Execute(pipeline, Console.IsInputRedirected && DollarInput.IsUsedIn(syntax)));
    }

    // As pwsh: what `exit` said; else 1 for an error that ended it, and for a last statement that failed.
    private int Finish(bool succeeded)
    {
        if (_host.ExitCode is { } code) return code;
        return succeeded && LastSucceeded() ? ExitCodes.Success : ExitCodes.Failure;
    }

    // Asked as a script would: seen from outside, the variable has the state of the pipeline that asks.
    private bool LastSucceeded()
    {
        using var pipeline = CreatePipeline();
        pipeline.Commands.AddScript("$global:?");
        return pipeline.Invoke() is [{ BaseObject: true }];
    }

    private int Prompt()
    {
        _interruption.IsInteractive = true;
        _host.NestedPrompt = () =>
        {
            var level = _host.NestedExits;
            new PromptLoop(this, _screen, _interruption).Run(() => _host.NestedExits > level || _host.ExitCode is not null || _interruption.ExitCode is not null);
        };
        new PromptLoop(this, _screen, _interruption).Run(() => _host.ExitCode is not null || _interruption.ExitCode is not null);
        return _host.ExitCode ?? ExitCodes.Success;
    }
}
