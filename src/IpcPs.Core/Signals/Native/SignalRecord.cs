namespace IpcPs.Signals.Native;

/// <summary>A received signal as it lies in a queue: small, no objects.</summary>
internal readonly record struct SignalRecord(int Number, SignalOrigin Origin, int ProcessId, uint UserId, ulong Value, int Status, long Time, long Lost)
{
    public static SignalRecord From(in Libc.SigInfo info, long time, long lost)
    {
        var origin = SignalCodes.ToOrigin(info.Signal, info.Code);
        return new SignalRecord(info.Signal, origin, info.ProcessId, info.UserId, info.Value, info.Status, time, lost);
    }

    public static SignalRecord From(in Libc.SignalFdInfo info, long time, long lost)
    {
        var origin = SignalCodes.ToOrigin((int)info.Signal, info.Code);
        return new SignalRecord((int)info.Signal, origin, info.ProcessId, info.UserId, info.Value, info.Status, time, lost);
    }
}
