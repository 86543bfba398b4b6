using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Measurement;
using IpcPs.Signals;

namespace IpcPs.Benchmarks.Signals;

/// <summary>Sends each signal's value back: <c>signal-echo PID COUNT</c>. Says "ready PID" itself.</summary>
internal sealed class SignalEchoPeer : IPeer
{
    public string Name => "signal-echo";

    public void Run(string[] args)
    {
        var signal = Signal.Parse("RTMIN+3");
        using var collector = new SignalCollector(signal);
        using var back = SignalTarget.Open(int.Parse(args[0], CultureInfo.InvariantCulture));
        using var wait = collector.BeginWait();
        Console.WriteLine("ready");
        Console.WriteLine(Environment.ProcessId);
        SignalLoad.Echo(signal, back, wait, int.Parse(args[1], CultureInfo.InvariantCulture), Deadline.Infinite);
    }
}
