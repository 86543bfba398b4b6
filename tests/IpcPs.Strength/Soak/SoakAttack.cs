using System.Diagnostics;
using System.Globalization;
using IpcPs.Inventory;

namespace IpcPs.Strength.Soak;

/// <summary>All mechanisms at once for a long time, in several processes of which one is killed now and then; what runs on stays as small
/// as it was, and at the end nothing is left.</summary>
internal sealed class SoakAttack : IAttack
{
    private const int Workers = 3;
    private const int WarmUp = 50;
    private const double SecondsBetweenKills = 5;
    private const int SpareDescriptors = 20;
    private const long SpareKilobytes = 50 * 1024;

    public string Name => "soak, all mechanisms";

    public void Run(AttackContext context)
    {
        var clock = Stopwatch.StartNew();
        // The first one is never killed: its descriptors and its memory tell.
        var workers = Enumerable.Range(0, Workers).Select(i => Go(all: i == 0)).ToList();
        var steady = workers[0];
        for (var i = 0; i < WarmUp; i++) steady.ReadLine();
        var (descriptors, memory) = (steady.Descriptors, Kilobytes(steady));
        var killed = 0;
        var cycles = (long)WarmUp;
        var nextKill = SecondsBetweenKills;
        while (clock.Elapsed.TotalSeconds < context.Settings.SoakSeconds)
        {
            if (steady.ReadLine() is var line && line != "cycle")
            {
                context.Fault(line);
                return;
            }
            cycles++;
            if (clock.Elapsed.TotalSeconds < nextKill) continue;
            nextKill += SecondsBetweenKills;
            var victim = context.Random.Next(1, Workers);
            workers[victim].Kill();
            // As a user would. Otherwise, after some time, the user's limit for queues is reached.
            IpcInventory.RemoveStale(MachineObjects.LeftBy(workers[victim].Id));
            workers[victim] = Go();
            killed++;
        }
        var now = Kilobytes(steady);
        if (steady.Descriptors > descriptors + SpareDescriptors)
            context.Fault($"{descriptors} descriptors at first, {steady.Descriptors} now.");
        if (now > memory + SpareKilobytes) context.Fault($"{memory:N0} KiB at first, {now:N0} KiB now.");
        context.Figures = string.Create(CultureInfo.InvariantCulture,
            $"{cycles:N0} times all mechanisms, {killed} kills, {memory:N0} KiB at first, {now:N0} KiB at the end");
        // It ends by itself, because what it has at that moment looks like the object of any other program.
        steady.WriteLine("end");
        while (steady.ReadLine() != "ended") cycles++;

        WorkerProcess Go(bool all = false) =>
            context.Start("soak", context.Random.Next().ToString(CultureInfo.InvariantCulture), all.ToString());
    }

    private static long Kilobytes(WorkerProcess worker)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{worker.Id}/status"))
            .First(static l => l.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}

/// <summary>Goes through all mechanisms in random order, without end: <c>soak SEED ALL</c>. It writes "cycle" after each time, or the
/// fault.</summary>
internal sealed class SoakWorker : IWorker
{
    private int _names;

    public string Name => "soak";

    public void Run(string[] args)
    {
        var random = new Random(int.Parse(args[0], CultureInfo.InvariantCulture));
        var cycles = Cycle.All.Where(c => bool.Parse(args[1]) || c.HasRecordedCreator).ToArray();
        var end = Task.Run(Console.ReadLine);
        while (!end.IsCompleted)
        {
            random.Shuffle(cycles);
            foreach (var cycle in cycles)
            {
                try
                {
                    cycle.Run(NewName);
                }
                catch (Exception e)
                {
                    Console.WriteLine($"{cycle.Kind}: {e.ToString().ReplaceLineEndings(" | ")}");
                    return;
                }
            }
            Console.WriteLine("cycle");
        }
        Console.WriteLine("ended");
    }

    private string NewName() => $"strength-{Environment.ProcessId}-{++_names}";
}
