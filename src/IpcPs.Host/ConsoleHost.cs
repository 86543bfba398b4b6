using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;

namespace IpcPs.Host;

/// <summary>What the engine knows of the program around it: <c>$Host</c>.</summary>
internal sealed class ConsoleHost(UserInterface ui, ForegroundProgram program) : PSHost
{
    private readonly Guid _id = Guid.NewGuid();

    public static Version OwnVersion { get; } = typeof(ConsoleHost).Assembly.GetName().Version ?? new Version(0, 0);

    public static string EngineVersion { get; } = typeof(PSObject).Assembly.GetName().Version?.ToString(3) ?? "";

    public override string Name => "ipcps";

    public override Version Version => OwnVersion;

    public override Guid InstanceId => _id;

    public override PSHostUserInterface UI => ui;

    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;

    /// <summary>The code that `exit` gave; null while nobody said it.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Runs a prompt inside a running pipeline; null where there is no terminal to prompt on.</summary>
    public Action? NestedPrompt { get; set; }

    /// <summary>Counts calls of <see cref="ExitNestedPrompt"/>.</summary>
    public int NestedExits { get; private set; }

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => (NestedPrompt ?? throw new NotSupportedException("There is no terminal to prompt on."))();

    public override void ExitNestedPrompt() => NestedExits++;

    public override void NotifyBeginApplication() => program.Begin();

    public override void NotifyEndApplication() => program.End();
}
