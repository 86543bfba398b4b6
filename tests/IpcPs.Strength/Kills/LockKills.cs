using System.Globalization;
using IpcPs.Locks;
using IpcPs.SharedMemory;

namespace IpcPs.Strength.Kills;

/// <summary>Kill -9 of processes that hold a lock, or wait for it: the others go on, and never two hold it. A POSIX semaphore has no
/// owner, and stays acquired: that is what it is.</summary>
internal sealed class LockKills : IAttackGroup
{
    public IEnumerable<IAttack> Attacks =>
    [
        new LockKillAttack("mutex", static c => IpcMutex.Create(IpcAddress.Parse($"mutex:{c.NewName()}"))),
        new LockKillAttack("System V semaphore", static _ => SysVSemaphoreSet.Create(null)),
    ];
}

/// <summary>The attack on one kind of lock.</summary>
internal sealed class LockKillAttack(string kind, Func<AttackContext, IpcLock> create) : IAttack
{
    private const int Lockers = 3;

    public string Name => $"kill -9, {kind}, anybody";

    public void Run(AttackContext context)
    {
        var exclusion = context.Own(create(context));
        var memory = context.Own(PosixSharedMemory.Create(IpcAddress.Parse($"shm:/{context.NewName()}"), 4096));
        context.AtEnd(() =>
        {
            foreach (var address in (IpcAddress[])[exclusion.Address, memory.Address])
                Mechanisms.IpcMechanisms.For(address.Scheme).Remove(address);
        });
        var lockers = Enumerable.Range(0, Lockers).Select(_ => Go()).ToList();
        var killed = 0;
        for (; killed < context.Settings.Rounds; killed++)
        {
            var before = memory.Read<long>(LockWorker.Count);
            if (!AttackContext.Until(() => memory.Read<long>(LockWorker.Count) > before + 1))
            {
                context.Fault($"Nobody acquires the lock any more, after {killed} kills.");
                return;
            }
            for (var spins = context.Random.Next(20_000); spins > 0; spins--) Thread.SpinWait(1);
            var victim = context.Random.Next(Lockers);
            lockers[victim].Kill();
            lockers[victim] = Go();
        }
        if (memory.Read<long>(LockWorker.Shared) is var shared and > 0) context.Fault($"{shared} times, two held the lock at once.");
        context.Figures = string.Create(CultureInfo.InvariantCulture,
            $"{killed} kills, acquired {memory.Read<long>(LockWorker.Count):N0} times");

        WorkerProcess Go()
        {
            var worker = context.Start("kill-locker", exclusion.Address.Text, memory.Address.Text);
            worker.Expect("ready");
            worker.WriteLine("");
            return worker;
        }
    }
}
