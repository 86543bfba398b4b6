using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The host of a job's script. It has no screen and no keyboard: what the script writes becomes records.</summary>
internal sealed class JobHost(JobHostUI ui) : PSHost
{
    private static readonly Version ModuleVersion = typeof(JobHost).Assembly.GetName().Version!;

    public override string Name => "IpcJob";

    public override Version Version => ModuleVersion;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    public override PSHostUserInterface UI => ui;

    /// <summary>The argument of <c>exit</c>; null if the script did not call it.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>As pwsh's own host does: nothing is coloured where the user does not want that (no-color.org).</summary>
    public static void ChooseRendering()
    {
        if (Environment.GetEnvironmentVariable("NO_COLOR") is null
            && Environment.GetEnvironmentVariable("TERM") is not ("xterm-mono" or "xtermm")) return;
        // Not in the reference assembly.
        var style = typeof(PSObject).Assembly.GetType("System.Management.Automation.PSStyle");
        var rendering = style?.GetProperty("OutputRendering");
        rendering?.SetValue(style!.GetProperty("Instance")!.GetValue(null), Enum.Parse(rendering.PropertyType, "PlainText"));
    }

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw JobHostUI.CannotPrompt();

    public override void ExitNestedPrompt()
    {
    }

    // There is no state of a terminal to save for a native program.
    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }
}

/// <summary>The user interface of <see cref="JobHost"/>. What a script writes to the host (<c>$Host.UI.WriteLine</c>) becomes an
/// information record, as with Write-Host. Warnings and so on do not, because PowerShell also writes them to their streams.</summary>
internal sealed class JobHostUI(Action<InformationRecord> write) : PSHostUserInterface
{
    [ThreadStatic]
    private static string? t_echo;

    public override PSHostRawUserInterface? RawUI => null;

    public static Exception CannotPrompt() =>
        new HostException("A job cannot prompt for input. Pass values with -ArgumentList or $using:, or send a message to its $IpcParent.");

    /// <summary>Called with each information record. PowerShell then also writes those of Write-Host to the host, on the same thread. That
    /// is not a second message.</summary>
    public static void ExpectEcho(InformationRecord record) => t_echo = record.ToString();

    public override void Write(string value) => Write(ConsoleColor.Gray, ConsoleColor.Black, value, newLine: false);

    public override void WriteLine(string value) => Write(ConsoleColor.Gray, ConsoleColor.Black, value, newLine: true);

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Write(foregroundColor, backgroundColor, value, newLine: false);

    public override void WriteLine(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Write(foregroundColor, backgroundColor, value, newLine: true);

    public override void WriteErrorLine(string value)
    {
    }

    public override void WriteWarningLine(string message)
    {
    }

    public override void WriteVerboseLine(string message)
    {
    }

    public override void WriteDebugLine(string message)
    {
    }

    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
    }

    public override string ReadLine() => throw CannotPrompt();

    public override SecureString ReadLineAsSecureString() => throw CannotPrompt();

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) =>
        throw CannotPrompt();

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) =>
        throw CannotPrompt();

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        throw CannotPrompt();

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName,
        PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) => throw CannotPrompt();

    private void Write(ConsoleColor foreground, ConsoleColor background, string value, bool newLine)
    {
        var echo = t_echo;
        t_echo = null;
        if (echo == value) return;
        var message = new HostInformationMessage
        {
            Message = value,
            ForegroundColor = foreground,
            BackgroundColor = background,
            NoNewLine = !newLine,
        };
        var record = new InformationRecord(message, "Host.UI");
        record.Tags.Add("PSHOST");
        write(record);
    }
}
