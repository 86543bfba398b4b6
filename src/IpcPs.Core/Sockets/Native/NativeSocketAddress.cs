using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace IpcPs.Sockets.Native;

/// <summary>A <c>sockaddr</c> of unix(7), ip(7) or ipv6(7).</summary>
internal unsafe struct NativeSocketAddress : IEquatable<NativeSocketAddress>
{
    /// <summary>Size of <c>sockaddr_un</c>, the largest of them, in bytes.</summary>
    public const int Capacity = 110;

    // Offsets of the path in sockaddr_un, and of the port and address in sockaddr_in(6).
    private const int PathOffset = 2;
    private const int PortOffset = 2;
    private const int Address4Offset = 4;
    private const int Address6Offset = 8;

    private Storage _bytes;

    /// <summary>Bytes in use; 0 for no address.</summary>
    public uint Length;

    /// <summary>AF_UNIX, AF_INET or AF_INET6; 0 for no address.</summary>
    public readonly int Family => Length < 2 ? 0 : BitConverter.ToUInt16(Used);

    /// <summary>TCP, UDP: the port.</summary>
    public readonly int Port => BinaryPrimitives.ReadUInt16BigEndian(Used[PortOffset..]);

    /// <summary>TCP, UDP: the address.</summary>
    public readonly IPAddress Address => new(Family == Libc.AF_INET ? Used.Slice(Address4Offset, 4) : Used.Slice(Address6Offset, 16));

    /// <summary>Whether it belongs to a Unix socket that has no name.</summary>
    public readonly bool IsUnnamed => Family == Libc.AF_UNIX && Length <= PathOffset;

    [UnscopedRef]
    private readonly ReadOnlySpan<byte> Used => ((ReadOnlySpan<byte>)_bytes)[..(int)Math.Min(Length, Capacity)];

    /// <summary>All its bytes, for the kernel to fill in. Set <see cref="Length"/> afterwards.</summary>
    [UnscopedRef]
    public Span<byte> Buffer => _bytes;

    /// <summary>Converts an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/> (the runtime folder).</exception>
    public static NativeSocketAddress Of(IpcAddress address)
    {
        var name = default(NativeSocketAddress);
        var bytes = name.Buffer;
        if (address.Scheme != IpcScheme.Unix)
        {
            var endPoint = address.EndPoint!;
            var six = endPoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
            BitConverter.TryWriteBytes(bytes, (ushort)(six ? Libc.AF_INET6 : Libc.AF_INET));
            BinaryPrimitives.WriteUInt16BigEndian(bytes[PortOffset..], (ushort)endPoint.Port);
            endPoint.Address.TryWriteBytes(bytes[(six ? Address6Offset : Address4Offset)..], out _);
            name.Length = six ? 28u : 16u;
            return name;
        }
        BitConverter.TryWriteBytes(bytes, (ushort)Libc.AF_UNIX);
        // An abstract name begins with a NUL, and only the length shows its end. A path ends with a NUL; the bytes are zero already.
        var offset = address.IsAbstract ? PathOffset + 1 : PathOffset;
        var length = Encoding.UTF8.GetBytes(address.IsAbstract ? address.Name! : RuntimeFolder.PathOf(address), bytes[offset..]);
        name.Length = (uint)(offset + length + (address.IsAbstract ? 0 : 1));
        return name;
    }

    /// <summary>Only the family, so that bind(2) chooses an abstract name itself.</summary>
    public static NativeSocketAddress Autobind()
    {
        var name = default(NativeSocketAddress);
        BitConverter.TryWriteBytes(name.Buffer, (ushort)Libc.AF_UNIX);
        name.Length = PathOffset;
        return name;
    }

    /// <summary>Converts it to an address; null if it has no name, or one that an address cannot contain.</summary>
    public readonly IpcAddress? ToAddress(IpcSocketType type)
    {
        if (Family == Libc.AF_UNIX)
            return !IsUnnamed && UnixText() is { } name ? SocketAddressParser.TryOfKernelName(name, type) : null;
        if (Family is not (Libc.AF_INET or Libc.AF_INET6)) return null;
        var scheme = type == IpcSocketType.Stream ? "tcp" : "udp";
        var text = string.Create(CultureInfo.InvariantCulture, $"{scheme}:{new IPEndPoint(Address, Port)}");
        return IpcAddress.TryParse(text, out var address) ? address : null;
    }

    public readonly bool Equals(NativeSocketAddress other) => Used.SequenceEqual(other.Used);

    public override readonly bool Equals(object? obj) => obj is NativeSocketAddress other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Used);
        return hash.ToHashCode();
    }

    // Null where the name is not text: another name would be the result of decoding it.
    private readonly string? UnixText()
    {
        var path = Used[PathOffset..];
        var isAbstract = path[0] == 0;
        var end = isAbstract ? -1 : path.IndexOf((byte)0);
        var bytes = isAbstract ? path[1..] : end < 0 ? path : path[..end];
        if (!Utf8.IsValid(bytes)) return null;
        var text = Encoding.UTF8.GetString(bytes);
        // A path may begin with the mark of an abstract name.
        return isAbstract ? "@" + text : text.StartsWith('/') ? text : null;
    }

    [InlineArray(Capacity)]
    private struct Storage
    {
        private byte _first;
    }
}
