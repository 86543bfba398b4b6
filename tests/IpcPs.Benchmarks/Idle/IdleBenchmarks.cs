using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;
using IpcPs.Pipes;

namespace IpcPs.Benchmarks.Idle;

/// <summary>What waits uses no processor time: milliseconds in a second, beside a limit of a thousandth of a core.</summary>
internal sealed class IdleBenchmarks : IBenchmarkGroup
{
    private const int Clients = 500;
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(4);
    private static readonly Contender Limit = new("the limit: 0.1 % of a core", () => 1.0);

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            yield return new("at rest: a process that waits for a pipe", "ms/s", 1, true, new("IpcPs, Receive", Waiting), Limit);
            yield return new("at rest: a session with RTMIN+5 and USR1 registered", "ms/s", 1, true,
                new("pwsh", () => Session("$null = Register-IpcSignal RTMIN+5, USR1 -Action { }")), Limit);
            yield return new(
                $"at rest: a unix listener with {Clients} clients", "ms/s", 1, true, new("IpcPs, Receive", () => Listener().Processor),
                Limit);
            yield return new(
                $"memory of a unix listener, each of {Clients} clients", "KiB", null, true, new("IpcPs", () => Listener().Memory),
                new("none", static () => null));
        }
    }

    private static double? Waiting()
    {
        using var pipe = AnonymousPipe.Create();
        using var peer = Peers.Start("count", null, pipe.Reader.Address.Text, "0", "1");
        var cost = ProcessCost.MillisecondsASecond(peer.ProcessId, Span);
        pipe.Writer.Send([1], ChannelLoads.Framed);
        peer.ExpectDone();
        return cost;
    }

    private static double? Session(string script)
    {
        using var session = ShellSession.Start();
        session.Run(script);
        return ProcessCost.MillisecondsASecond(session.ProcessId, Span);
    }

    private static (double Processor, double Memory) Listener()
    {
        using var peer = Peers.Start(
            "listener-cost", null, Clients.ToString(CultureInfo.InvariantCulture),
            Span.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        return (Number(), Number());

        double Number() => double.Parse(peer.ReadLine(), CultureInfo.InvariantCulture);
    }
}
