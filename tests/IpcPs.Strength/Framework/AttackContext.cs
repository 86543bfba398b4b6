using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Strength.Framework;

/// <summary>What an attack works with: random numbers that can be repeated, a folder, child processes, and where it reports to.</summary>
internal sealed class AttackContext : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly List<string> _faults = [];
    private int _names;

    public AttackContext(StrengthSettings settings, string attack)
    {
        Settings = settings;
        Random = new Random(unchecked((settings.Seed * 397) ^ attack.Aggregate(17, static (hash, c) => (hash * 31) + c)));
        Folder = Directory.CreateTempSubdirectory("ipcps-strength-").FullName;
    }

    public StrengthSettings Settings { get; }

    public Random Random { get; }

    /// <summary>A folder of this attack's own, deleted after it.</summary>
    public string Folder { get; }

    /// <summary>What did not hold; empty where all did.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>What was done, for the table: "24 kills, 91,204 messages".</summary>
    public string Figures { get; set; } = "";

    /// <summary>Why the attack can't be made on this machine; null where it was made.</summary>
    public string? Missing { get; set; }

    /// <summary>Reports something that did not hold. The attack may go on.</summary>
    public void Fault(string text) => _faults.Add(text);

    /// <summary>A name that no other object has.</summary>
    public string NewName() =>
        string.Create(CultureInfo.InvariantCulture, $"strength-{Environment.ProcessId}-{++_names}-{Random.Next(0x10000):x4}");

    /// <summary>Disposes something after the attack, however it ends.</summary>
    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    /// <summary>Does something after the attack, however it ends.</summary>
    public void AtEnd(Action action) => _owned.Add(new Ending(action));

    /// <summary>Starts this program in a role.</summary>
    public WorkerProcess Start(string role, params string[] args) => Own(Workers.Start([], role, args));

    /// <summary>Starts it under another program: <c>setpriv --reuid …</c>.</summary>
    public WorkerProcess StartUnder(string[] command, string role, params string[] args) => Own(Workers.Start(command, role, args));

    /// <summary>Waits until a condition holds.</summary>
    /// <returns>False when it did not within a minute.</returns>
    public static bool Until(Func<bool> condition, double seconds = 60)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed.TotalSeconds > seconds) return false;
            Thread.Sleep(1);
        }
        return true;
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
        {
            try
            {
                _owned[i].Dispose();
            }
            catch (Exception e) when (e is IpcException or IOException)
            {
                Fault($"Cleaning up: {e.Message}");
            }
        }
        Directory.Delete(Folder, recursive: true);
    }

    private sealed class Ending(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
