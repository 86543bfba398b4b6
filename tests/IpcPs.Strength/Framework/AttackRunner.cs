using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Strength.Framework;

/// <summary>Makes one attack after the other, and prints a line for each: whether the library held.</summary>
internal static class AttackRunner
{
    private const string Held = "held", Failed = "FAILED", NotMade = "NOT MADE";

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
        var results = attacks.ConvertAll(a => Make(a, settings));
        Directory.Delete(runtimeFolder, recursive: true);
        int Count(string result) => results.Count(r => r == result);
        Console.WriteLine($"{Count(Held)} attacks held, {Count(Failed)} did not, {Count(NotMade)} were not made.");
        return Count(Failed) == 0 ? 0 : 1;
    }

    private static string Make(IAttack attack, StrengthSettings settings)
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
        var result = context.Faults.Count > 0 ? Failed : context.Missing is null ? Held : NotMade;
        var seconds = clock.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{attack.Name,-40} {result,-8} {seconds,6} s  {context.Missing ?? context.Figures}");
        foreach (var fault in context.Faults) Console.WriteLine($"    {fault}");
        return result;
    }
}
