using IpcPs.Files;
using IpcPs.Mechanisms;
using IpcPs.Messaging;

namespace IpcPs.Inventory;

/// <summary>Removes stale objects after checking again that they still are. All their files are renamed first, so that one scan of the
/// processes
/// proves it for all of them.</summary>
internal sealed class StaleRemoval
{
    private readonly Dictionary<IpcMechanism, List<IpcObjectInfo>> _now = [];
    private readonly InventoryScan _scan = new(new InventoryFilter { All = true });

    private StaleRemoval()
    {
    }

    public static List<IpcRemoval> Run(IReadOnlyCollection<IpcObjectInfo> objects)
    {
        var results = new List<IpcRemoval>(objects.Count);
        var quarantined = new List<(IpcObjectInfo Object, QuarantinedFile File)>();
        var others = new List<IpcObjectInfo>();
        var decided = 0;
        try
        {
            foreach (var info in objects)
            {
                if (!CanQuarantine(info)) others.Add(info);
                else if (Attempt(results, info, () => QuarantinedFile.TryQuarantine(info)) is { } file) quarantined.Add((info, file));
            }
            var removal = new StaleRemoval();
            foreach (var (info, file) in quarantined)
            {
                var (removed, reason) = file.RemoveIfStale(removal._scan);
                decided++;
                results.Add(new IpcRemoval(info, removed, reason));
            }
            foreach (var info in others) removal.Remove(results, info);
            return results;
        }
        finally
        {
            foreach (var (_, file) in quarantined[decided..]) file.Restore();
        }
    }

    // A queue's file can't be renamed, and a System V object has no file. A message in shared memory is in use as long as the reference to
    // it waits, even where no process has it open.
    private static bool CanQuarantine(IpcObjectInfo info) => info.File is not null && info.Address.Scheme != IpcScheme.Mq
        && (info.Channel is null || LargeMessage.Evaluate("/" + info.Address.Name).Abandoned);

    private void Remove(List<IpcRemoval> results, IpcObjectInfo info)
    {
        var mechanism = IpcMechanisms.For(info.Address.Scheme);
        if (!_now.TryGetValue(mechanism, out var existing)) _now[mechanism] = existing = [.. mechanism.Enumerate(_scan)];
        var now = existing.Find(i => i.Address.Equals(info.Address));
        if (now is null || !Equals(now.Identity, info.Identity))
            results.Add(new IpcRemoval(info, false, "gone meanwhile"));
        else if (!now.IsStale)
            results.Add(new IpcRemoval(info, false, now.Reason));
        else if (Attempt(results, info, () => RemoveOne(mechanism, now)))
            results.Add(new IpcRemoval(info, true, now.Reason));
    }

    // A System V object is removed by its id: its key may become another object's at any time.
    private static bool RemoveOne(IpcMechanism mechanism, IpcObjectInfo info)
    {
        mechanism.Remove(info.Identity is long id ? IpcAddress.Parse($"{AddressParser.Word(info.Address.Scheme)}:id={id}") : info.Address);
        return true;
    }

    private static T? Attempt<T>(List<IpcRemoval> results, IpcObjectInfo info, Func<T?> action)
    {
        try
        {
            if (action() is { } done) return done;
            results.Add(new IpcRemoval(info, false, "gone meanwhile"));
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound || e.Id == IpcErrors.Removed)
        {
            results.Add(new IpcRemoval(info, false, "gone meanwhile"));
        }
        catch (IpcException e)
        {
            results.Add(new IpcRemoval(info, false, e.Message, e));
        }
        return default;
    }
}
