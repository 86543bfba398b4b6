using System.Net;

namespace IpcPs.Proc;

/// <summary>A socket as the kernel's tables list it.</summary>
internal readonly record struct SocketTableEntry(IPEndPoint Local, IPEndPoint Remote, byte State, bool IsTimeWait, uint UserId, uint Inode)
{
    private const byte SynSent = 2;
    private const byte SynReceived = 3;
    private const byte Listening = 10;

    /// <summary>tcp: whether the connection was made; closing counts.</summary>
    public bool IsConnected => State is not (SynSent or SynReceived or Listening);

    /// <summary>Whether it is the socket between those two.</summary>
    public bool Is(IPEndPoint local, IPEndPoint remote) => Same(Local, local) && Same(Remote, remote);

    /// <summary>udp: whether a datagram from one to the other can have come from it.</summary>
    public bool CouldSend(IPEndPoint from, IPEndPoint to) =>
        Local.Port == from.Port && (IsAny(Local.Address) || Plain(Local.Address).Equals(from.Address)) && (Remote.Port == 0 || Same(Remote, to));

    private static bool Same(IPEndPoint one, IPEndPoint other) => one.Port == other.Port && Plain(one.Address).Equals(Plain(other.Address));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || Plain(address).Equals(IPAddress.Any);
}
