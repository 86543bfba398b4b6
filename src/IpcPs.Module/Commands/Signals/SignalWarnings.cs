using System.Management.Automation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary>What is said where receiving is less than it should be.</summary>
internal static class SignalWarnings
{
    /// <summary>Once a session: that values and senders are unknown here.</summary>
    public static void SayLimits(Cmdlet command, SessionSignals session)
    {
        if (!SignalCollector.IsLimited || session.SaidLimits) return;
        session.SaidLimits = true;
        command.WriteWarning(
            "Signals are received through .NET, without value and sender, and real-time signals without their order. "
            + "IpcPs needs an x64 processor, and a system that allows executable memory, to do better.");
    }

    /// <summary>To someone who types at a prompt and is about to take the key away from himself: that Ctrl+C is about to be collected.</summary>
    public static void SayInterrupt(PSCmdlet command, SessionSignals session, IEnumerable<Signal> signals)
    {
        if (command.MyInvocation.CommandOrigin != CommandOrigin.Runspace || Console.IsInputRedirected) return;
        if (!signals.Any(static s => s.Name == "INT") || session.Collector.Signals.Any(static s => s.Name == "INT")) return;
        command.WriteWarning("Ctrl+C is collected from now on, and interrupts nothing in this session until 'Unregister-IpcSignal INT'.");
    }

    /// <summary>That some were lost.</summary>
    public static void SayLost(Cmdlet command, ReceivedSignal signal)
    {
        if (signal.Lost > 0) command.WriteWarning($"{signal.Lost} {signal.Signal} before this one were lost: more came than the session's buffer holds.");
    }
}
