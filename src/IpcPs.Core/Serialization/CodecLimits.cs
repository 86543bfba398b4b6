using IpcPs.Messaging;

namespace IpcPs.Serialization;

/// <summary>The limits of format Object. docs/wire-format.md has them for programs in other languages.</summary>
public static class CodecLimits
{
    /// <summary>How many levels deep values may be nested, sent or received.</summary>
    public const int MaxDepth = 64;

    /// <summary>How many levels of live objects are sent with their properties by default: the object's own, and the text of the objects in
    /// them. PowerShell's own jobs do the same. With one level more, a Process object is 12 times as large.</summary>
    public const int DefaultObjectDepth = 1;

    /// <summary>Bytes of memory that the value of any message may need, however small the message is: 16 MiB.</summary>
    public const long FreeMemory = 16 * 1024 * 1024;

    /// <summary>Bytes of memory beyond <see cref="FreeMemory"/> that the value may need for each byte of its message. A small number needs
    /// 32 bytes of memory for one byte of a message, and an object with one property 700 for eight.</summary>
    public const int MemoryPerByte = 128;

    /// <summary>Bytes of memory that the value of no message may exceed: 4 GiB.</summary>
    public const long MaxMemory = 4L * 1024 * 1024 * 1024;

    /// <summary>How many type names one object may have.</summary>
    public const int MaxTypeNames = 64;

    internal const int MaxWarnings = 20;

    /// <summary>Bytes of memory that the value of a message may need.</summary>
    /// <param name="bytes">The size of the message in bytes.</param>
    public static long MemoryFor(int bytes) => Math.Min(FreeMemory + ((long)bytes * MemoryPerByte), MaxMemory);

    /// <summary>The exception for a secret that a channel must not carry.</summary>
    /// <param name="type">The name of its type.</param>
    public static IpcException SecretRefused(string type) =>
        new(IpcErrors.SecretRefused, $"The value contains a secret ({type}), and nothing encrypts what is sent here.", null,
            "Pass it to a job, which gets it through a pipe that only it inherits.")
        {
            Advice = IpcAdvice.AllowSecret,
        };

    internal static IpcException TooLarge(long bytes) =>
        new(IpcErrors.MessageTooLarge, $"The object needs {bytes} bytes or more. The limit is {IpcChannel.MaxStreamMessage} bytes.", null,
            "Send it in parts, or send only the properties that the receiver needs.")
        { Advice = IpcAdvice.SendFile };
}
