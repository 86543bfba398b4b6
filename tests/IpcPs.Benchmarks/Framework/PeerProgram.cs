using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Runs a program that prints its figure; behind it, if it knows them, the two numbers of a <see cref="MessageCost"/>.</summary>
internal static class PeerProgram
{
    /// <param name="cores">The cores for all its processes, as taskset(1) takes them; null for any.</param>
    /// <param name="command">The program and its arguments.</param>
    public static double Run(string? cores, params string[] command)
    {
        if (cores is not null) command = ["taskset", "-c", cores, .. command];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}.");
        var numbers = output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(static n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        if (numbers is [_, var sender, var receiver]) MessageCost.Record(sender, receiver);
        return numbers[0];
    }
}
