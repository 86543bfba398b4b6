using System.Globalization;
using IpcPs.Inventory;

namespace IpcPs.Strength.Framework;

/// <summary>The kernel objects of the machine, as the kernel lists them: what an attack leaves behind is what is there after it and was
/// not there before.</summary>
internal sealed class MachineObjects
{
    private readonly HashSet<string> _names = [.. Names()];

    /// <summary>What a process has created that names its objects as <see cref="Soak.SoakWorker"/> does.</summary>
    public static List<IpcObjectInfo> LeftBy(int processId)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"strength-{processId}-");
        return [.. IpcInventory.List([], all: false, out _).Where(o => o.CreatorId == processId
            || o.Address.Name?.Contains(name, StringComparison.Ordinal) == true)];
    }

    /// <summary>What is there now and was not there then. The stale objects among it that this run made are removed first, as a user
    /// would remove them.</summary>
    /// <returns>One line for each.</returns>
    public List<string> Added()
    {
        var added = Names().Where(n => !_names.Contains(n)).ToList();
        if (added.Count == 0) return added;
        // What a killed process leaves is no fault, as long as the inventory says that it is stale.
        var objects = IpcInventory.List([], all: false, out _);
        // The file of a ring or a semaphore has a prefix before the name.
        bool IsAdded(IpcObjectInfo o) => o.Address.Name is { } name
            ? added.Exists(a => a.EndsWith(name, StringComparison.Ordinal)) : added.Contains(o.Address.Path ?? "");
        IpcInventory.RemoveStale([.. objects.Where(o => o.IsStale && (IsAdded(o) || IsOurs(o)))]);
        return [.. Names().Where(n => !_names.Contains(n))];
    }

    private static bool IsOurs(IpcObjectInfo found) => found.CreatorId is { } id && Workers.Ids.Contains(id);

    private static IEnumerable<string> Names()
    {
        foreach (var folder in (string[])["/dev/shm", RuntimeFolder.Path])
        {
            if (!Directory.Exists(folder)) continue;
            foreach (var file in Directory.EnumerateFileSystemEntries(folder)) yield return file;
        }
        // Where /dev/mqueue is not mounted, only the library can list them.
        foreach (var queue in IpcInventory.List([IpcScheme.Mq], all: false, out _)) yield return queue.Address.Text;
        foreach (var table in (string[])["msg", "sem", "shm"])
        {
            foreach (var line in File.ReadLines($"/proc/sysvipc/{table}").Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                yield return $"System V {table}, key {fields[0]}, id {fields[1]}";
            }
        }
    }
}
