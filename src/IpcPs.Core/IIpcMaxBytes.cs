namespace IpcPs;

/// <summary>A queue that is bounded by the bytes of all its messages together: a System V queue.</summary>
public interface IIpcMaxBytes
{
    /// <summary>Bytes of payload that it holds before a sender waits.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    long MaxBytes { get; set; }
}
