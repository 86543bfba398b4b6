using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Linux;

namespace IpcPs.Strength.Faults;

/// <summary>Runs the life of an object of each mechanism while something is missing: <c>scarce WHAT AMOUNT…</c>. It writes a line for
/// each fault, and "done".</summary>
internal sealed class ScarcityWorker : IWorker
{
    private int _names;

    public string Name => "scarce";

    public void Run(string[] args)
    {
        var scarcity = Scarcity.All.Single(s => s.Name == args[0]);
        // Warm: what the runtime loads at the first use is its own, and not ours.
        foreach (var cycle in Cycle.All) cycle.Run(NewName);
        foreach (var cycle in Cycle.All)
        {
            for (var amount = 0; amount < scarcity.Amounts; amount++)
            {
                var fault = Try(cycle, scarcity, amount);
                if (fault is not null) Console.WriteLine($"{cycle.Kind}, {scarcity.Name} {amount}: {fault.ReplaceLineEndings(" | ")}");
            }
        }
        Console.WriteLine("done");
    }

    private string? Try(Cycle cycle, Scarcity scarcity, int amount)
    {
        string? fault = null;
        var end = scarcity.Begin(amount);
        try
        {
            cycle.Run(NewName);
        }
        catch (IpcException)
        {
        }
        catch (Exception e)
        {
            fault = e.ToString();
        }
        finally
        {
            end();
        }
        try
        {
            cycle.Run(NewName);
        }
        catch (Exception e)
        {
            fault ??= $"It does not work afterwards: {e}";
        }
        return fault;
    }

    private string NewName() => $"strength-{Environment.ProcessId}-{++_names}";
}

/// <summary>Something that is missing for a while.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Amounts">How many amounts of it are tried: 0, 1, 2, …</param>
/// <param name="Begin">Takes it away until the result is called. It gets the amount that is left.</param>
internal sealed partial record Scarcity(string Name, int Amounts, Func<int, Action> Begin)
{
    private const int MaxDescriptors = 7;
    private const int MaxMessageBytes = 12;
    private const int PageSize = 4096;

    public static IReadOnlyList<Scarcity> All { get; } =
    [
        new("descriptors", 12, Descriptors),
        new("bytes of queues", 1, static _ => Limit(MaxMessageBytes, 0)),
        new("pages of shared memory", 6, static left => Fill(left * 3)),
        new("runtime folder", 5, Replace),
    ];

    private static Action Descriptors(int left)
    {
        var open = Directory.GetFiles("/proc/self/fd").Select(static f => int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture));
        var restore = Limit(MaxDescriptors, (ulong)open.Max() + 2);
        // Until the kernel gives none: some below the highest one were free.
        var fillers = new List<SafeDescriptor>();
        while (Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0) is var number and >= 0) fillers.Add(new SafeDescriptor(number));
        for (var i = 0; i < left && i < fillers.Count; i++) fillers[i].Dispose();
        return () =>
        {
            restore();
            fillers.ForEach(static f => f.Dispose());
        };
    }

    private static Action Limit(int resource, ulong soft)
    {
        _ = getrlimit(resource, out var before);
        if (setrlimit(resource, before with { Soft = soft }) != 0)
            throw new InvalidOperationException($"setrlimit: {Marshal.GetLastPInvokeErrorMessage()}");
        return () => _ = setrlimit(resource, before);
    }

    // In a mount namespace of its own: this /dev/shm is small, and no other process has it.
    private static Action Fill(int pagesLeft)
    {
        const string path = "/dev/shm/filler";
        using (var filler = File.Create(path))
        {
            var drive = new DriveInfo("/dev/shm");
            filler.Write(new byte[Math.Max(0, drive.AvailableFreeSpace - (pagesLeft * PageSize))]);
        }
        return () => File.Delete(path);
    }

    private static Action Replace(int how)
    {
        var path = RuntimeFolder.Path;
        var aside = path + ".aside";
        var elsewhere = path + ".elsewhere";
        Directory.Move(path, aside);
        switch (how)
        {
            case 0:
                File.WriteAllText(path, "");
                break;
            case 1:
                Directory.CreateDirectory(elsewhere);
                File.CreateSymbolicLink(path, elsewhere);
                break;
            case 2:
                File.CreateSymbolicLink(path, path + ".nowhere");
                break;
            case 3:
                Directory.CreateDirectory(path);
                File.SetUnixFileMode(path, UnixFileMode.None);
                break;
        }
        return () =>
        {
            var followed = Directory.Exists(elsewhere) && Directory.EnumerateFileSystemEntries(elsewhere).Any();
            if (Directory.Exists(elsewhere)) Directory.Delete(elsewhere, recursive: true);
            if (new FileInfo(path).LinkTarget is not null || File.Exists(path)) File.Delete(path);
            else if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            Directory.Move(aside, path);
            if (followed) throw new InvalidOperationException("The link in place of the runtime folder was followed.");
        };
    }

    private readonly record struct ResourceLimit(ulong Soft, ulong Hard);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, in ResourceLimit limit);
}
