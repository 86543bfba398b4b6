using System.Globalization;
using System.Management.Automation.Host;

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
