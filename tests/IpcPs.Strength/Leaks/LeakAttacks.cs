using System.Globalization;

namespace IpcPs.Strength.Leaks;

/// <summary>The whole life of an object, many times: descriptors, threads and memory stay what they were.</summary>
internal sealed class LeakAttacks : IAttackGroup
{
    public IEnumerable<IAttack> Attacks => Cycle.All.Select(static c => new LeakAttack(c));
}

/// <summary>The attack on one mechanism.</summary>
internal sealed class LeakAttack(Cycle cycle) : IAttack
{
    private const int CyclesARound = 20;
    private const int WarmUp = 50;
    private const long SpareBytes = 4 * 1024 * 1024;

    // The runtime opens some for itself when it likes to.
    private const int SpareDescriptors = 4;

    public string Name => $"leaks, {cycle.Kind}";

    public void Run(AttackContext context)
    {
        for (var i = 0; i < WarmUp; i++) cycle.Run(context.NewName);
        var before = Measure();
        var cycles = context.Settings.Rounds * CyclesARound;
        for (var i = 0; i < cycles; i++) cycle.Run(context.NewName);
        // A thread of the pool ends a little later.
        AttackContext.Until(IsAsBefore, 10);
        var after = Measure();
        if (!IsAsBefore())
        {
            context.Fault($"{before.Descriptors} descriptors and {before.Threads} threads before, "
                + $"{after.Descriptors} and {after.Threads} after.");
        }
        if (after.Bytes > before.Bytes + SpareBytes) context.Fault($"{before.Bytes:N0} bytes before, {after.Bytes:N0} after.");
        context.Figures = string.Create(CultureInfo.InvariantCulture, $"{cycles:N0} cycles");

        bool IsAsBefore() => Measure() is var now && now.Descriptors <= before.Descriptors + SpareDescriptors
            && now.Threads <= before.Threads + Environment.ProcessorCount;
    }

    private static (int Descriptors, int Threads, long Bytes) Measure() =>
        (Directory.GetFiles("/proc/self/fd").Length, Directory.GetDirectories("/proc/self/task").Length,
            GC.GetTotalMemory(forceFullCollection: true));
}
