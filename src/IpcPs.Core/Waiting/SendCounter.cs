namespace IpcPs.Waiting;

/// <summary>Counts what each thread has sent, over any channel but a ring, where counting would cost too much of what a message takes.</summary>
internal static class SendCounter
{
    [ThreadStatic]
    private static uint s_sent;

    /// <summary>How many messages this thread has sent; wraps around.</summary>
    public static uint OfThread => s_sent;

    /// <summary>Called with each message that this thread sends.</summary>
    public static void Sent() => s_sent++;
}

/// <summary>Tells a conversation from a stream. A thread that receives, sends and receives is in a conversation: the peer waits for its answer.
/// A thread that receives again and again without sending reads a stream.</summary>
internal struct ReceiveStreak
{
    private uint _sent;
    private int _length;

    /// <summary>How many receives of this thread followed each other without a message sent between them.</summary>
    public readonly int Length => _sent == SendCounter.OfThread ? _length : 0;

    /// <summary>Counts a receive.</summary>
    /// <returns><see cref="Length"/>, with this one.</returns>
    public int Add()
    {
        var sent = SendCounter.OfThread;
        if (sent == _sent) return _length == int.MaxValue ? _length : ++_length;
        _sent = sent;
        return _length = 0;
    }

    /// <summary>Begins again: the last receive does not count.</summary>
    public void Reset() => (_sent, _length) = (SendCounter.OfThread, 0);
}
