using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace IpcPs.Host;

/// <summary>What the engine shows and asks. Streams go where pwsh sends them: errors to standard error, all others to standard output.</summary>
internal sealed class UserInterface : PSHostUserInterface
{
    private readonly Screen _screen;
    private readonly ProgressView _progress;
    private readonly bool _nonInteractive;

    public UserInterface(Screen screen, bool nonInteractive)
    {
        _screen = screen;
        _progress = new ProgressView(screen);
        _nonInteractive = nonInteractive;
        RawUI = new RawUserInterface(screen);
        // https://no-color.org; the two terminals are those that pwsh knows.
        if (Environment.GetEnvironmentVariable("NO_COLOR") is not null || Environment.GetEnvironmentVariable("TERM") is "xterm-mono" or "xtermm")
            PSStyle.Instance.OutputRendering = OutputRendering.PlainText;
    }

    public override PSHostRawUserInterface RawUI { get; }

    public override bool SupportsVirtualTerminal => _screen.OutputHasColour;

    public override void Write(string value) => _screen.Write(value ?? "");

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value)
    {
        if (string.IsNullOrEmpty(value)) return;
        _screen.Write(Colour(foregroundColor, PSStyle.Instance.Foreground.FromConsoleColor) + Colour(backgroundColor, PSStyle.Instance.Background.FromConsoleColor)
            + value + PSStyle.Instance.Reset);
    }

    // The base class writes colours, text and line end one by one, and lines of two threads would mix.
    public override void WriteLine(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Write(foregroundColor, backgroundColor, value + "\n");

    public override void WriteLine() => _screen.Write("\n");

    public override void WriteLine(string value) => _screen.Write(value + "\n");

    public override void WriteErrorLine(string value)
    {
        if (!string.IsNullOrEmpty(value)) _screen.WriteError(Styled(_screen.ErrorHasColour, PSStyle.Instance.Formatting.Error, value));
    }

    public override void WriteWarningLine(string message) => WriteStyled(PSStyle.Instance.Formatting.Warning, "WARNING: " + message);

    public override void WriteVerboseLine(string message) => WriteStyled(PSStyle.Instance.Formatting.Verbose, "VERBOSE: " + message);

    public override void WriteDebugLine(string message) => WriteStyled(PSStyle.Instance.Formatting.Debug, "DEBUG: " + message);

    public override void WriteProgress(long sourceId, ProgressRecord record) => _progress.Update(record);

    /// <summary>Takes down the progress line that a finished pipeline left.</summary>
    public void ClearProgress() => _progress.Clear();

    public override string ReadLine()
    {
        ThrowIfNonInteractive();
        return Console.In.ReadLine() ?? "";
    }

    public override SecureString ReadLineAsSecureString()
    {
        ThrowIfNonInteractive();
        var secret = new SecureString();
        if (Console.IsInputRedirected)
        {
            foreach (var c in Console.In.ReadLine() ?? "") secret.AppendChar(c);
            return secret;
        }
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace && secret.Length > 0) secret.RemoveAt(secret.Length - 1);
            else if (!char.IsControl(key.KeyChar)) secret.AppendChar(key.KeyChar);
        }
        WriteLine();
        return secret;
    }

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        PromptForCredential(caption, message, userName, targetName, PSCredentialTypes.Default, PSCredentialUIOptions.Default);

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName,
        PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options)
    {
        ThrowIfNonInteractive();
        WriteHeading(caption, message);
        while (string.IsNullOrEmpty(userName))
        {
            Write("User: ");
            userName = ReadLine();
        }
        Write($"Password for user {userName}: ");
        return new PSCredential(userName, ReadLineAsSecureString());
    }

    public override Dictionary<string, PSObject?> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
    {
        ThrowIfNonInteractive();
        WriteHeading(caption, message);
        var answers = new Dictionary<string, PSObject?>();
        foreach (var field in descriptions)
        {
            var type = LanguagePrimitives.TryConvertTo<Type>(field.ParameterAssemblyFullName, out var known) ? known : typeof(string);
            answers[field.Name] = PSObject.AsPSObject(Ask(field.Name, type));
        }
        return answers;
    }

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        ThrowIfNonInteractive();
        WriteHeading(caption, message);
        var keys = choices.Select(static c => Key(c.Label)).ToArray();
        while (true)
        {
            for (var i = 0; i < choices.Count; i++) Write($"[{keys[i]}] {choices[i].Label.Replace("&", "", StringComparison.Ordinal)}  ");
            Write(defaultChoice >= 0 ? $"[?] Help (default is \"{keys[defaultChoice]}\"): " : "[?] Help: ");
            // The end of input is no answer, and asking again would go on forever.
            if (Console.In.ReadLine() is not { } line) throw new HostException("Input ended where a choice was asked for.");
            var answer = line.Trim();
            if (answer.Length == 0 && defaultChoice >= 0) return defaultChoice;
            for (var i = 0; i < choices.Count; i++)
            {
                if (string.Equals(answer, keys[i], StringComparison.OrdinalIgnoreCase) || string.Equals(answer, choices[i].Label.Replace("&", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)) return i;
            }
            if (answer == "?")
            {
                for (var i = 0; i < choices.Count; i++) WriteLine($"{keys[i]} - {choices[i].HelpMessage}");
            }
        }
    }

    private static string Key(string label) =>
        label.IndexOf('&', StringComparison.Ordinal) is >= 0 and var mark && mark + 1 < label.Length ? label.Substring(mark + 1, 1).ToUpperInvariant() : label;

    private static string Colour(ConsoleColor colour, Func<ConsoleColor, string> sequence) => Enum.IsDefined(colour) ? sequence(colour) : "";

    private static string Styled(bool hasColour, string style, string text) => hasColour ? style + text + PSStyle.Instance.Reset + "\n" : text + "\n";

    private object? Ask(string name, Type type)
    {
        if (type == typeof(SecureString) || type == typeof(PSCredential))
        {
            Write(name + ": ");
            return type == typeof(SecureString) ? ReadLineAsSecureString() : PromptForCredential("", "", "", "");
        }
        if (!type.IsArray)
        {
            Write(name + ": ");
            return LanguagePrimitives.ConvertTo(ReadLine(), type);
        }
        var items = new List<string>();
        while (true)
        {
            Write($"{name}[{items.Count}]: ");
            if (ReadLine() is not { Length: > 0 } line) return LanguagePrimitives.ConvertTo(items.ToArray(), type);
            items.Add(line);
        }
    }

    private void WriteHeading(string caption, string message)
    {
        if (!string.IsNullOrEmpty(caption)) WriteLine("\n" + caption);
        if (!string.IsNullOrEmpty(message)) WriteLine(message);
    }

    private void WriteStyled(string style, string text) => _screen.Write(Styled(_screen.OutputHasColour, style, text));

    private void ThrowIfNonInteractive()
    {
        if (_nonInteractive) throw new PSInvalidOperationException("ipcps is in NonInteractive mode. Read and Prompt functionality is not available.");
    }
}
