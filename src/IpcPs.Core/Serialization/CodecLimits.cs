using IpcPs.Messaging;

namespace IpcPs.Serialization;

/// <summary>What the codec accepts, and what it sends; docs/wire-format.md states these to peers.</summary>
public static class CodecLimits
{
    /// <summary>How deep values may lie within each other, sent or received.</summary>
    public const int MaxDepth = 64;

    /// <summary>How deep the properties of live objects are followed where the caller says nothing: as in a PowerShell job, the object's own, and of what they
    /// hold the text. (A process with one level more is 12 times as large.)</summary>
    public const int DefaultObjectDepth = 1;

    /// <summary>Memory that any message may become, whatever its size.</summary>
    public const long FreeMemory = 16 * 1024 * 1024;

    /// <summary>Memory beyond <see cref="FreeMemory"/> that each byte of a message may become: a small number takes 32 bytes where its message has one, an
    /// object with one property 700 where it has eight.</summary>
    public const int MemoryPerByte = 128;

    /// <summary>Memory that no message may exceed: 4 GiB.</summary>
    public const long MaxMemory = 4L * 1024 * 1024 * 1024;

    /// <summary>Type names that one object may have.</summary>
    public const int MaxTypeNames = 64;

    internal const int MaxWarnings = 20;

    /// <summary>Memory that a message of that size may become.</summary>
    public static long MemoryFor(int bytes) => Math.Min(FreeMemory + ((long)bytes * MemoryPerByte), MaxMemory);

    internal static IpcException TooLarge(long bytes) =>
        new(IpcErrors.MessageTooLarge, $"The object needs {bytes} bytes, and one message may have {IpcChannel.MaxStreamMessage}.", null,
            "Send it in parts, or only the properties that the other side needs.");
}
