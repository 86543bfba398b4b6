using IpcPs.Tests.Rings;

namespace IpcPs.Strength.Kills;

/// <summary>A process that sends or receives, or did until it was killed, and what it has noted.</summary>
internal sealed class Side(WorkerProcess process, CrashLedger ledger, bool sends, long number)
{
    public bool Sends { get; } = sends;

    public string Role => Sends ? "sender" : "receiver";

    /// <summary>Its number among the senders, or receivers.</summary>
    public long Number { get; } = number;

    /// <summary>False once the attack has killed it.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Whether the kernel still has it.</summary>
    public bool IsRunning => process.IsAlive;

    /// <summary>How many messages it has sent, or received.</summary>
    public long Count => ledger.Count;

    public IEnumerable<long> Received => ledger.Received;

    public void Kill()
    {
        process.Kill();
        IsAlive = false;
    }
}
