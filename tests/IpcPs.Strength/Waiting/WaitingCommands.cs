using System.Globalization;

namespace IpcPs.Strength.Waiting;

/// <summary>Every command that can wait, in real PowerShell: while it waits it uses no CPU, and Ctrl+C ends it.</summary>
internal sealed class WaitingCommands : IAttack
{
    public string Name => "commands that wait";

    public void Run(AttackContext context) => PowerShellAttack.Run(context, "Waiting/waiting-commands.ps1",
        Math.Max(3, context.Settings.Seconds).ToString(CultureInfo.InvariantCulture));
}
