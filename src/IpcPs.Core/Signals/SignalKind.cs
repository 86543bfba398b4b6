namespace IpcPs.Signals;

/// <summary>The two families of signals, and the numbers between them.</summary>
public enum SignalKind
{
    /// <summary>1 to 31: at most one of each is pending, so several that come close together arrive as one.</summary>
    Standard,
    /// <summary>Each one sent is queued and arrives, in the order of sending, with a value.</summary>
    RealTime,
    /// <summary>Real-time numbers that the C library keeps for itself.</summary>
    Reserved,
}
