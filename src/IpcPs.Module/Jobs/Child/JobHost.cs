using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The host of a job's script: it has no screen and no keyboard. What the script writes travels as records.</summary>
internal sealed class JobHost(JobHostUI ui) : PSHost
{
    private static readonly Version OwnVersion = typeof(JobHost).Assembly.GetName().Version!;

    public override string Name => "IpcJob";

    public override Version Version => OwnVersion;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    public override PSHostUserInterface UI => ui;

    /// <summary>What the script passed to <c>exit</c>.</summary>
    public int? ExitCode { get; private set; }

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw JobHostUI.NobodyThere();

    public override void ExitNestedPrompt()
    {
    }

    // Native programs find our descriptors as they are; no state of a terminal is to be saved for them.
    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }
}

/// <summary>The screen that a job doesn't have. PowerShell gives records of warnings and the like to the streams besides; what a script writes to the
/// host itself (<c>$Host.UI.WriteLine</c>) becomes an information record, as Write-Host's does.</summary>
internal sealed class JobHostUI(Action<InformationRecord> write) : PSHostUserInterface
{
    [ThreadStatic]
    private static string? t_echo;

    public override PSHostRawUserInterface? RawUI => null;

    public static Exception NobodyThere() =>
        new HostException("A job has nobody to ask. Hand over what it needs with -ArgumentList or $using:, or send it a message.");

    /// <summary>Called with each information record on its way: PowerShell goes on to write those that are to be seen (Write-Host's) to the host, on the same
    /// thread, and that is not a second message.</summary>
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

    public override string ReadLine() => throw NobodyThere();

    public override SecureString ReadLineAsSecureString() => throw NobodyThere();

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) => throw NobodyThere();

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) => throw NobodyThere();

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) => throw NobodyThere();

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName,
        PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) => throw NobodyThere();

    private void Write(ConsoleColor foreground, ConsoleColor background, string value, bool newLine)
    {
        var echo = t_echo;
        t_echo = null;
        if (echo == value) return;
        var message = new HostInformationMessage { Message = value, ForegroundColor = foreground, BackgroundColor = background, NoNewLine = !newLine };
        var record = new InformationRecord(message, "Host.UI");
        record.Tags.Add("PSHOST");
        write(record);
    }
}
