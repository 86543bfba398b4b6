namespace IpcPs.Signals.Native;

/// <summary>The process's streams of signals, one a signal: a disposition belongs to the whole process, whoever in it is interested.</summary>
internal static class SignalStreams
{
    private static readonly SignalStream?[] Streams = new SignalStream?[65];

    /// <summary>The stream of a signal that can be received.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>.</exception>
    public static SignalStream For(Signal signal)
    {
        SignalTable.RequireReceivable(signal);
        lock (Streams) return Streams[signal.Number] ??= new SignalStream(signal);
    }

    /// <summary>The stream, if there ever was need for one.</summary>
    public static SignalStream? Find(int number) => (uint)number < (uint)Streams.Length ? Volatile.Read(ref Streams[number]) : null;
}
