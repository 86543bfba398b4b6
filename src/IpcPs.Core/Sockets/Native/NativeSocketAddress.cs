using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace IpcPs.Sockets.Native;

/// <summary>A <c>sockaddr</c> as the kernel takes and gives it: of unix(7), ip(7) or ipv6(7).</summary>
internal unsafe struct NativeSocketAddress : IEquatable<NativeSocketAddress>
{
    /// <summary>Bytes of <c>sockaddr_un</c>, the longest of them.</summary>
    public const int Capacity = 110;

    // Where in sockaddr_un the path begins, and where in sockaddr_in(6) port and address are.
    private const int PathOffset = 2;
    private const int PortOffset = 2;
    private const int Address4Offset = 4;
    private const int Address6Offset = 8;

    private Room _bytes;

    /// <summary>Bytes that are in use; 0 for none.</summary>
    public uint Length;

    /// <summary>AF_UNIX, AF_INET, AF_INET6; 0 for none.</summary>
    public readonly int Family => Length < 2 ? 0 : BitConverter.ToUInt16(Used);

    /// <summary>tcp, udp: the port.</summary>
    public readonly int Port => BinaryPrimitives.ReadUInt16BigEndian(Used[PortOffset..]);

    /// <summary>tcp, udp: the address.</summary>
    public readonly IPAddress Address => Family == Libc.AF_INET ? new IPAddress(Used.Slice(Address4Offset, 4)) : new IPAddress(Used.Slice(Address6Offset, 16));

    /// <summary>Whether it is a unix socket's that has no name.</summary>
    public readonly bool IsUnnamed => Family == Libc.AF_UNIX && Length <= PathOffset;

    [UnscopedRef]
    private readonly ReadOnlySpan<byte> Used => ((ReadOnlySpan<byte>)_bytes)[..(int)Math.Min(Length, Capacity)];

    /// <summary>All the room there is, for the kernel to fill in; set <see cref="Length"/> after.</summary>
    [UnscopedRef]
    public Span<byte> Buffer => _bytes;

    /// <summary>The name of an address.</summary>
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
        // An abstract name begins with a NUL and ends where the length says; a path ends with a NUL, for which the room is zeroed.
        var offset = address.IsAbstract ? PathOffset + 1 : PathOffset;
        var length = Encoding.UTF8.GetBytes(address.IsAbstract ? address.Name! : address.Path!, bytes[offset..]);
        name.Length = (uint)(offset + length + (address.IsAbstract ? 0 : 1));
        return name;
    }

    /// <summary>Only the family: what bind(2) takes to choose an abstract name itself.</summary>
    public static NativeSocketAddress Autobind()
    {
        var name = default(NativeSocketAddress);
        BitConverter.TryWriteBytes(name.Buffer, (ushort)Libc.AF_UNIX);
        name.Length = PathOffset;
        return name;
    }

    /// <summary>The address that has this name; null where it has none, or one that no address can spell.</summary>
    public readonly IpcAddress? ToAddress(IpcSocketType type)
    {
        var text = Family switch
        {
            Libc.AF_INET or Libc.AF_INET6 => string.Create(CultureInfo.InvariantCulture, $"{(type == IpcSocketType.Stream ? "tcp" : "udp")}:{new IPEndPoint(Address, Port)}"),
            Libc.AF_UNIX when !IsUnnamed => "unix:" + UnixText() + (type == IpcSocketType.Stream ? "" : "?type=" + type.ToString().ToLowerInvariant()),
            _ => null,
        };
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

    private readonly string UnixText()
    {
        var path = Used[PathOffset..];
        if (path[0] == 0) return "@" + Encoding.UTF8.GetString(path[1..]);
        var end = path.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? path : path[..end]);
    }

    [InlineArray(Capacity)]
    private struct Room
    {
        private byte _first;
    }
}
