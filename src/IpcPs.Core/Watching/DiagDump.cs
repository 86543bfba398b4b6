using System.Runtime.InteropServices;

namespace IpcPs.Watching;

/// <summary>Dumps sockets with their queues and counters (sock_diag(7), over netlink(7)).</summary>
internal static unsafe class DiagDump
{
    // include/uapi/linux/inet_diag.h and unix_diag.h: the numbers of the attributes.
    public const int TcpInfo = 2;
    public const int Memory = 7;
    public const int UnixName = 0;
    public const int UnixQueue = 4;

    /// <summary>Size of struct inet_diag_msg.</summary>
    public const int InetSize = 72;

    /// <summary>Size of struct unix_diag_msg.</summary>
    public const int UnixSize = 16;

    private const int Protocol = 4;             // NETLINK_SOCK_DIAG
    private const ushort ByFamily = 20;         // SOCK_DIAG_BY_FAMILY
    private const ushort RequestDump = 0x301;   // NLM_F_REQUEST | NLM_F_DUMP
    private const ushort Error = 2;             // NLMSG_ERROR
    private const ushort Done = 3;              // NLMSG_DONE
    private const int HeaderSize = 16;          // struct nlmsghdr
    private const int InetRequest = 56;         // struct inet_diag_req_v2
    private const int UnixRequest = 24;         // struct unix_diag_req
    private const int ShowNameAndQueue = 0x11;  // UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN
    private const int BufferSize = 32 * 1024;
    private const int TimeWait = 6;

    /// <summary>Takes one socket: the kernel's structure, and the attributes after it.</summary>
    public delegate void Visit(ReadOnlySpan<byte> message, ReadOnlySpan<byte> attributes);

    /// <summary>All TCP or UDP sockets of one family.</summary>
    /// <returns>False where sock_diag does not answer.</returns>
    public static bool Inet(SafeDescriptor netlink, int family, int protocol, Visit visit)
    {
        Span<byte> request = stackalloc byte[HeaderSize + InetRequest];
        request.Clear();
        var body = request[HeaderSize..];
        body[0] = (byte)family;
        body[1] = (byte)protocol;
        body[2] = (byte)(1 << ((protocol == Libc.IPPROTO_TCP ? TcpInfo : Memory) - 1));
        // All states, except connections that are only remembered: there may be thousands.
        BitConverter.TryWriteBytes(body[4..], ~(1u << TimeWait));
        return Dump(netlink, request, InetSize, visit);
    }

    /// <summary>All Unix sockets.</summary>
    /// <returns>False where sock_diag does not answer.</returns>
    public static bool Unix(SafeDescriptor netlink, Visit visit)
    {
        Span<byte> request = stackalloc byte[HeaderSize + UnixRequest];
        request.Clear();
        var body = request[HeaderSize..];
        body[0] = Libc.AF_UNIX;
        BitConverter.TryWriteBytes(body[4..], uint.MaxValue);
        BitConverter.TryWriteBytes(body[12..], ShowNameAndQueue);
        return Dump(netlink, request, UnixSize, visit);
    }

    /// <summary>The netlink socket; null where the kernel has none.</summary>
    public static SafeDescriptor? Open()
    {
        var fd = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, Protocol);
        return fd < 0 ? null : new SafeDescriptor(fd);
    }

    /// <summary>The value of an attribute (struct nlattr); empty where it is missing.</summary>
    public static ReadOnlySpan<byte> Attribute(ReadOnlySpan<byte> attributes, int type)
    {
        while (attributes.Length >= 4)
        {
            var length = BitConverter.ToUInt16(attributes);
            if (length < 4 || length > attributes.Length) break;
            if (BitConverter.ToUInt16(attributes[2..]) == type) return attributes[4..length];
            attributes = attributes[Math.Min((length + 3) & ~3, attributes.Length)..];
        }
        return default;
    }

    private static bool Dump(SafeDescriptor netlink, Span<byte> request, int size, Visit visit)
    {
        BitConverter.TryWriteBytes(request, (uint)request.Length);
        BitConverter.TryWriteBytes(request[4..], ByFamily);
        BitConverter.TryWriteBytes(request[6..], RequestDump);
        fixed (byte* bytes = request)
        {
            if (Libc.send(netlink, bytes, (nuint)request.Length, 0) != request.Length) return false;
        }
        var buffer = new byte[BufferSize];
        fixed (byte* into = buffer)
        {
            while (true)
            {
                var received = Libc.recv(netlink, into, BufferSize, 0);
                if (received < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR) continue;
                if (received < HeaderSize) return false;
                var answers = buffer.AsSpan(0, (int)received);
                while (answers.Length >= HeaderSize)
                {
                    var length = (int)BitConverter.ToUInt32(answers);
                    var type = BitConverter.ToUInt16(answers[4..]);
                    if (type == Done) return true;
                    if (type == Error || length < HeaderSize || length > answers.Length) return false;
                    if (length >= HeaderSize + size) visit(answers.Slice(HeaderSize, size), answers[(HeaderSize + size)..length]);
                    answers = answers[Math.Min((length + 3) & ~3, answers.Length)..];
                }
            }
        }
    }
}
