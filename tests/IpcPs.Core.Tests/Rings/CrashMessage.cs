using System.Runtime.InteropServices;

namespace IpcPs.Tests.Rings;

/// <summary>A message that says who sent it, and shows whether it is whole.</summary>
internal static class CrashMessage
{
    /// <summary>Up to some pages, so that there is a middle to be killed in.</summary>
    private const int Small = 3000;

    /// <summary>Larger than a message of any queue, than an atomic write, and than a pipe's buffer.</summary>
    private const int Large = 90_000;

    public static byte[] NewBuffer(bool withLarge = false) => new byte[(withLarge ? Large : Small) + 16];

    /// <summary>Message <paramref name="number"/> of a writer. Where large ones are wanted, one in sixteen is.</summary>
    public static ReadOnlySpan<byte> Make(long writer, long number, byte[] buffer, bool withLarge = false)
    {
        var message = (writer << 32) | number;
        var chance = (int)((ulong)(message * -7046029254386353131L) >> 33);
        var length = 16 + (chance % (withLarge && chance % 16 == 0 ? Large : Small));
        var span = buffer.AsSpan(0, length);
        span[16..].Fill((byte)message);
        MemoryMarshal.Write(span, in message);
        MemoryMarshal.Write(span[8..], ~message);
        return span;
    }

    /// <summary>The message's writer and number; -1 where it is not whole.</summary>
    public static long Check(ReadOnlySpan<byte> bytes, byte[] buffer, bool withLarge = false)
    {
        if (bytes.Length < 16) return -1;
        var message = MemoryMarshal.Read<long>(bytes);
        return bytes.SequenceEqual(Make(message >> 32, message & 0xFFFF_FFFF, buffer, withLarge)) ? message : -1;
    }
}
