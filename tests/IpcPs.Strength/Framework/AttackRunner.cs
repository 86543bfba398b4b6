using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Strength.Framework;

/// <summary>Makes one attack after the other, and prints a line for each: whether the library held.</summary>
internal static class AttackRunner
{
    /// <returns>0 where every attack was held, 1 otherwise.</returns>
    public static int Run(StrengthSettings settings)
    {
        var attacks = Discovery.All<IAttack>().Concat(Discovery.All<IAttackGroup>().SelectMany(static g => g.Attacks))
            .Where(a => settings.Filter is not { } filter || a.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToList();
        if (settings.ListOnly)
        {
            foreach (var attack in attacks) Console.WriteLine(attack.Name);
            return 0;
        }
        // No name of this run meets one of the user's.
        var runtimeFolder = Directory.CreateTempSubdirectory("ipcps-run-").FullName;
        Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", runtimeFolder);
        Console.WriteLine($"Seed {settings.Seed}. A run with --seed {settings.Seed} makes the same random choices.");
        var failed = attacks.Count(a => !Holds(a, settings));
        Directory.Delete(runtimeFolder, recursive: true);
        Console.WriteLine($"{attacks.Count - failed} attacks held, {failed} did not.");
        return failed == 0 ? 0 : 1;
    }

    private static bool Holds(IAttack attack, StrengthSettings settings)
    {
        var clock = Stopwatch.StartNew();
        var before = new MachineObjects();
        var context = new AttackContext(settings, attack.Name);
        try
        {
            attack.Run(context);
        }
        catch (Exception e)
        {
            // Whatever it is, it is a finding, and the other attacks must still be made.
            context.Fault(e.ToString());
        }
        context.Dispose();
        foreach (var left in before.Added()) context.Fault($"It left {left}.");
        var result = context.Faults.Count > 0 ? "FAILED" : context.Missing is null ? "held" : "NOT MADE";
        var seconds = clock.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{attack.Name,-40} {result,-8} {seconds,6} s  {context.Missing ?? context.Figures}");
        foreach (var fault in context.Faults) Console.WriteLine($"    {fault}");
        return context.Faults.Count == 0;
    }
}
