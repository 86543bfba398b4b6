namespace IpcPs.Messaging;

/// <summary>Keeps the messages that were received and not acknowledged.</summary>
internal interface IMessageKeeper
{
    /// <summary>The message was processed. Never throws and never waits for the broker.</summary>
    void Acknowledge(ulong number);

    /// <summary>The message was not processed: another receiver gets it.</summary>
    void Return(ulong number);
}

/// <summary>A message that its broker keeps until it is acknowledged. The default stands for a message that its transport has forgotten
/// already: then both do nothing.</summary>
public readonly record struct MessageReceipt
{
    internal MessageReceipt(IMessageKeeper? keeper, ulong number) => (Keeper, Number) = (keeper, number);

    internal IMessageKeeper? Keeper { get; }

    internal ulong Number { get; }

    /// <summary>Reports that the message was processed, so that the broker forgets it.</summary>
    public void Acknowledge() => Keeper?.Acknowledge(Number);

    /// <summary>Reports that the message was not processed, so that another receiver gets it.</summary>
    public void Return() => Keeper?.Return(Number);
}
