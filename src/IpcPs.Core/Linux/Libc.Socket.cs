using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>socket(7), unix(7), tcp(7), udp(7), cmsg(3).</summary>
internal static unsafe partial class Libc
{
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;
    public const int AF_NETLINK = 16;

    public const int SOCK_STREAM = 1;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_RAW = 3;
    public const int SOCK_SEQPACKET = 5;
    public const int SOCK_NONBLOCK = O_NONBLOCK;
    public const int SOCK_CLOEXEC = O_CLOEXEC;

    public const int SOL_SOCKET = 1;
    public const int SO_REUSEADDR = 2;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_SNDBUF = 7;
    public const int SO_RCVBUF = 8;
    public const int SO_KEEPALIVE = 9;
    public const int SO_PASSCRED = 16;
    public const int SO_PEERCRED = 17;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_DOMAIN = 39;
    public const int SO_PEEK_OFF = 42;
    public const int SO_MEMINFO = 55;
    public const int SK_MEMINFO_DROPS = 8;
    public const int SK_MEMINFO_VARS = 9;

    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_UDP = 17;
    public const int IPPROTO_IPV6 = 41;
    public const int TCP_NODELAY = 1;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_INFO = 11;
    public const int IPV6_V6ONLY = 26;

    public const int SCM_RIGHTS = 1;
    public const int SCM_CREDENTIALS = 2;

    /// <summary>SCM_MAX_FD of the kernel: descriptors that one message carries (unix(7)).</summary>
    public const int MaxPassedDescriptors = 253;

    public const int MSG_CTRUNC = 0x8;
    public const int MSG_PEEK = 2;
    public const int MSG_TRUNC = 0x20;
    public const int MSG_DONTWAIT = 0x40;
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_CMSG_CLOEXEC = 0x40000000;

    public const int SHUT_WR = 1;

    public const nuint SIOCOUTQ = 0x5411;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary><c>struct msghdr</c>; glibc's counts are size_t, musl's are int with zero padding: the same bytes on a little-endian
    /// machine.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary><c>struct mmsghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MultipleMessageHeader
    {
        public MessageHeader Header;
        public uint Length;
    }

    /// <summary><c>struct cmsghdr</c>: 16 bytes, then its data; the next one begins at a multiple of 8.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    /// <summary><c>struct ucred</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Credentials
    {
        public int ProcessId;
        public uint UserId;
        public uint GroupId;
    }

    // packet(7)

    public const int AF_PACKET = 17;
    public const int SOL_PACKET = 263;
    public const int PACKET_STATISTICS = 6;
    public const int SO_ATTACH_FILTER = 26;
    public const int PACKET_IGNORE_OUTGOING = 23;

    /// <summary>ETH_P_ALL in network order.</summary>
    public const int AllProtocols = 0x0300;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socketpair(int family, int type, int protocol, int* ends);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int bind(SafeDescriptor socket, byte* address, uint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int listen(SafeDescriptor socket, int backlog);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int accept4(SafeDescriptor socket, byte* address, uint* length, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int connect(SafeDescriptor socket, byte* address, uint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockname(SafeDescriptor socket, byte* address, uint* length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getpeername(SafeDescriptor socket, byte* address, uint* length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockopt(SafeDescriptor socket, int level, int option, void* value, uint* length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setsockopt(SafeDescriptor socket, int level, int option, void* value, uint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int shutdown(SafeDescriptor socket, int how);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint send(SafeDescriptor socket, byte* bytes, nuint length, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recv(SafeDescriptor socket, byte* bytes, nuint length, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sendmsg(SafeDescriptor socket, MessageHeader* message, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recvmsg(SafeDescriptor socket, MessageHeader* message, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int recvmmsg(SafeDescriptor socket, MultipleMessageHeader* messages, uint count, int flags, Timespec* timeout);
}
