namespace IpcPs.Waiting;

/// <summary>Counts what each thread has sent, over any channel but a ring, where it would cost too much of what a message takes. A thread that
/// receives, sends, receives is in a conversation: the other side waits for its answer. One that only ever receives reads a stream.</summary>
internal static class SendCounter
{
    [ThreadStatic]
    private static uint s_sent;

    /// <summary>How often this thread has sent; wraps around.</summary>
    public static uint OfThread => s_sent;

    /// <summary>Called with each message that this thread sends.</summary>
    public static void Sent() => s_sent++;
}
