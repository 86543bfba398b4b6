using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>UDP sockets that were closed right after they sent something, kept open for a second more: the listener must be able to find out whose the datagram is, and
/// a socket that is gone is nobody's. A process that ends does not wait for it.</summary>
internal static class DelayedClose
{
    private const int MaxKept = 32;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);

    private static readonly Queue<(NativeSocket Socket, long Until)> Kept = new();
    private static readonly Timer Closer = new(static _ => CloseDue());

    /// <summary>Closes the socket in a second; sooner where many are waiting for that.</summary>
    public static void Close(NativeSocket socket)
    {
        lock (Kept)
        {
            Kept.Enqueue((socket, Environment.TickCount64 + (long)Time.TotalMilliseconds));
            if (Kept.Count > MaxKept) Kept.Dequeue().Socket.Dispose();
            if (Kept.Count == 1) Closer.Change(Time, Timeout.InfiniteTimeSpan);
        }
    }

    private static void CloseDue()
    {
        lock (Kept)
        {
            var now = Environment.TickCount64;
            while (Kept.TryPeek(out var first) && first.Until <= now) Kept.Dequeue().Socket.Dispose();
            // Half as often as could be, so that several go at once.
            if (Kept.Count > 0) Closer.Change(Time / 2, Timeout.InfiniteTimeSpan);
        }
    }
}
