using System.Globalization;
using IpcPs.Inventory;
using IpcPs.Mechanisms;

namespace IpcPs.Strength.Kills;

/// <summary>Kill -9 of a process that creates, uses and removes objects of all mechanisms. What it leaves is complete: it can be opened,
/// it is listed as stale, and it can be cleared.</summary>
internal sealed class CreatorKills : IAttack
{
    public string Name => "kill -9, creators of all mechanisms";

    public void Run(AttackContext context)
    {
        var left = 0;
        for (var round = 0; round < context.Settings.Rounds; round++)
        {
            var worker = context.Start("soak", context.Random.Next().ToString(CultureInfo.InvariantCulture), bool.FalseString);
            // The first time through, the code is compiled.
            worker.ReadLine();
            for (var spins = context.Random.Next(100_000); spins > 0; spins--) Thread.SpinWait(1);
            worker.Kill();
            var objects = MachineObjects.LeftBy(worker.Id);
            left += objects.Count;
            foreach (var found in objects) Open(context, found);
            IpcInventory.RemoveStale(objects);
            foreach (var still in MachineObjects.LeftBy(worker.Id)) context.Fault($"{still.Address} can't be cleared: {still.Reason}");
        }
        context.Figures = string.Create(CultureInfo.InvariantCulture, $"{context.Settings.Rounds} kills, {left} objects left and cleared");
    }

    private static void Open(AttackContext context, IpcObjectInfo found)
    {
        try
        {
            IpcMechanisms.Open(found.Address, default, Deadline.Immediate).Dispose();
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound || e.Id == IpcErrors.NoPeer || e.Id == IpcErrors.PeerClosed)
        {
            // A socket or a FIFO whose process is gone.
        }
        catch (IpcException e)
        {
            context.Fault($"{found.Address} was left incomplete: {e.Message}");
        }
    }
}
