using System.Diagnostics;

namespace IpcPs.Strength.Framework;

/// <summary>Starts this executable in a role, and plays it.</summary>
internal static class Workers
{
    private static readonly HashSet<int> Started = [Environment.ProcessId];

    /// <summary>The processes of this run, those that have ended too.</summary>
    public static IReadOnlySet<int> Ids => Started;

    public static int Run(string name, string[] args)
    {
        Discovery.All<IWorker>().Single(w => w.Name == name).Run(args);
        return 0;
    }

    public static WorkerProcess Start(string[] under, string name, string[] args)
    {
        string[] command = [.. under, Environment.ProcessPath!, "worker", name, .. args];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        Started.Add(process.Id);
        return new WorkerProcess(process);
    }
}
