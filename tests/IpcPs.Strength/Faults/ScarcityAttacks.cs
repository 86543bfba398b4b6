using System.Globalization;

namespace IpcPs.Strength.Faults;

/// <summary>No descriptor left, no memory left, a runtime folder that is something else: the answer is an <see cref="IpcException"/>, and
/// afterwards everything works.</summary>
internal sealed class ScarcityAttacks : IAttackGroup
{
    // A small /dev/shm that no other process has.
    private static readonly string[] OwnMemory =
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=2m none /dev/shm && exec \"$@\"", "sh"];

    public IEnumerable<IAttack> Attacks => Scarcity.All.Select(static s => new ScarcityAttack(s));

    private sealed class ScarcityAttack(Scarcity scarcity) : IAttack
    {
        private const int MostFaults = 10;

        public string Name => $"scarce, {scarcity.Name}";

        public void Run(AttackContext context)
        {
            var isMemory = scarcity.Name == "pages of shared memory";
            if (isMemory && Environment.UserName != "root")
            {
                context.Missing = "it needs root, for a /dev/shm of its own";
                return;
            }
            var worker = context.StartUnder(isMemory ? OwnMemory : [], "scarce", scarcity.Name);
            for (var line = worker.ReadLine(); line != "done"; line = worker.ReadLine())
            {
                if (context.Faults.Count < MostFaults) context.Fault(line);
            }
            context.Figures = string.Create(CultureInfo.InvariantCulture, $"{Cycle.All.Count} mechanisms, {scarcity.Amounts} amounts");
        }
    }
}
