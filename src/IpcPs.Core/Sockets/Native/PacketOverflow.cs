using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Sockets.Native;

/// <summary>Room for the part of a packet that is longer than the receiver expected. A packet is received in one call or its rest is lost, and
/// how long it is nobody says beforehand; so behind the receiver's own buffer lies room for the longest that there can be. Memory that is not
/// touched is not used: for short packets this costs an address range.</summary>
internal readonly unsafe struct PacketOverflow : IDisposable
{
    private const int Least = 256 * 1024;

    // The kernel doubles what SO_SNDBUF is set to, and wmem_max is its limit before that.
    private static readonly int Size = Math.Max(Least, 2 * Math.Min(WriteMemoryLimit(), 512 * 1024 * 1024) + Least);

    private static nint s_spare;

    private PacketOverflow(byte* pointer) => Pointer = pointer;

    public byte* Pointer { get; }

    /// <summary>Bytes that each has.</summary>
    public static int Length => Size;

    /// <summary>Takes the spare one, or makes one.</summary>
    public static PacketOverflow Rent()
    {
        var spare = Interlocked.Exchange(ref s_spare, 0);
        return new PacketOverflow(spare != 0 ? (byte*)spare : (byte*)NativeMemory.Alloc((nuint)Size));
    }

    /// <summary>Keeps it as the spare one, unless there is one.</summary>
    public void Dispose()
    {
        if (Interlocked.CompareExchange(ref s_spare, (nint)Pointer, 0) != 0) NativeMemory.Free(Pointer);
    }

    // Where the limit is not shown, as in some containers: the largest value that is common.
    private static int WriteMemoryLimit() => (int)Math.Min(Sysctl.Read("net.core.wmem_max") ?? 16 * 1024 * 1024, int.MaxValue);
}
