using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Idle;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Flat;

/// <summary>Memory stays flat: the most that sender and receiver took together, after ten million messages beside after one
/// million.</summary>
internal sealed class FlatBenchmarks : IBenchmarkGroup
{
    private double _afterOne;

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var tenth = Settings.Count(1_000_000);
            yield return new("memory of both sides, ten million messages through the cmdlets and a pipe", "MiB", 1.1, true,
                new("after ten million", () => Run(tenth)), new("after one million", () => _afterOne));
        }
    }

    private double? Run(int tenth)
    {
        using var sender = ShellSession.Start();
        using var receiver = ShellSession.Start();
        var address = sender.Run("$pipe = New-IpcPipe; $pipe.Reader.Address");
        receiver.Run($"$channel = Open-IpcObject '{address}' -Access Read");
        sender.Run("Close-IpcObject $pipe.Reader");
        Stream(sender, receiver, tenth);
        _afterOne = Memory(sender, receiver);
        Stream(sender, receiver, tenth * 9);
        return Memory(sender, receiver);
    }

    private static void Stream(ShellSession sender, ShellSession receiver, int count)
    {
        receiver.Begin(string.Create(CultureInfo.InvariantCulture, $"Receive-IpcMessage $channel -Count {count} | Out-Null"));
        sender.Begin(string.Create(CultureInfo.InvariantCulture, $"1..{count} | Send-IpcMessage $pipe.Writer"));
        sender.End();
        receiver.End();
    }

    private static double Memory(ShellSession sender, ShellSession receiver) =>
        (ProcessCost.Kibibytes(sender.ProcessId, "VmHWM") + ProcessCost.Kibibytes(receiver.ProcessId, "VmHWM")) / 1024.0;
}
