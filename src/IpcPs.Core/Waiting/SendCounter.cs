namespace IpcPs.Waiting;

/// <summary>Counts the messages that each thread sends, except over rings, where the count would cost too much.</summary>
internal static class SendCounter
{
    [ThreadStatic]
    private static uint t_sent;

    /// <summary>How many messages this thread has sent; wraps around.</summary>
    public static uint OfThread => t_sent;

    /// <summary>Counts a message that this thread sends.</summary>
    public static void Sent() => t_sent++;
}

/// <summary>Distinguishes a conversation from a stream. A thread that receives, sends and receives is in a conversation: the peer waits
/// for its answer. A thread that receives again and again without sending reads a stream.</summary>
internal struct ReceiveStreak
{
    private uint _sent;
    private int _length;

    /// <summary>How many receives this thread has made since it last sent a message.</summary>
    public readonly int Length => _sent == SendCounter.OfThread ? _length : 0;

    /// <summary>Counts a receive.</summary>
    /// <returns><see cref="Length"/>, including this one.</returns>
    public int Add()
    {
        var sent = SendCounter.OfThread;
        if (sent == _sent) return _length == int.MaxValue ? _length : ++_length;
        _sent = sent;
        return _length = 0;
    }

    /// <summary>Starts again at 0.</summary>
    public void Reset() => (_sent, _length) = (SendCounter.OfThread, 0);
}
