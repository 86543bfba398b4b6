using System.Globalization;

namespace IpcPs.Strength.Jobs;

/// <summary>Kill -9 of workers in a running ordered stage: every item gives its output once, or its one error.</summary>
internal sealed class WorkerKills : IAttack
{
    public string Name => "kill -9, workers of a job";

    public void Run(AttackContext context) => PowerShellAttack.Run(context, "Jobs/worker-kills.ps1",
        context.Settings.Rounds.ToString(CultureInfo.InvariantCulture), context.Settings.Seed.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Many jobs at once: all give what they should.</summary>
internal sealed class ManyJobs : IAttack
{
    private const int Most = 50;

    public string Name => "many jobs at once";

    public void Run(AttackContext context) => PowerShellAttack.Run(context, "Jobs/many-jobs.ps1",
        Math.Min(Most, context.Settings.Rounds).ToString(CultureInfo.InvariantCulture));
}
