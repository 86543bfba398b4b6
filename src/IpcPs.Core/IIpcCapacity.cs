namespace IpcPs;

/// <summary>An object whose room in the kernel can be changed while it exists: a pipe.</summary>
public interface IIpcCapacity
{
    /// <summary>Bytes that it holds before a sender waits.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.InvalidArgument"/>.</exception>
    long Capacity { get; set; }
}
