using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Sockets.Loopback;

/// <summary>Looks up sockets in the kernel (sock_diag(7), over netlink(7)).</summary>
internal static unsafe class SockDiag
{
    private const int Protocol = 4;             // NETLINK_SOCK_DIAG
    private const ushort ByFamily = 20;         // SOCK_DIAG_BY_FAMILY
    private const ushort Request = 1;           // NLM_F_REQUEST
    private const ushort Dump = 0x300;          // NLM_F_DUMP
    private const ushort Error = 2;             // NLMSG_ERROR
    private const ushort Done = 3;              // NLMSG_DONE
    private const int HeaderSize = 16;          // struct nlmsghdr
    private const int LargestRequest = 56;      // struct inet_diag_req_v2
    private const int AnswerSize = 72;          // struct inet_diag_msg
    private const byte TimeWaitTimer = 3;

    private static readonly object Lock = new();
    private static SafeDescriptor? s_netlink;

    /// <summary>Receives the answer for one socket, without its netlink header.</summary>
    public delegate void Answer(ReadOnlySpan<byte> answer);

    /// <summary>TCP: the socket that is connected from one end point to the other. UDP: all sockets on the first end point's port. Empty if
    /// no socket matches, or if sock_diag is not available.</summary>
    public static List<SocketTableEntry> Find(int protocol, IPEndPoint from, IPEndPoint to)
    {
        var found = new List<SocketTableEntry>(1);
        var six = from.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        if (protocol == Libc.IPPROTO_TCP)
        {
            Exchange(protocol, six ? Libc.AF_INET6 : Libc.AF_INET, dump: false, from, to, found);
            return found;
        }
        // A dump lists one family. An IPv6 socket can send over IPv4 too; an IPv4 socket cannot send over IPv6.
        if (!six) Exchange(protocol, Libc.AF_INET, dump: true, from, to, found);
        Exchange(protocol, Libc.AF_INET6, dump: true, from, to, found);
        return found;
    }

    /// <summary>Sends a request, and calls <paramref name="onAnswer"/> for each socket.</summary>
    /// <param name="body">The request of the family, without its netlink header.</param>
    /// <param name="dump">Whether several sockets may match.</param>
    /// <param name="onAnswer">Gets the answers.</param>
    /// <returns>Whether the kernel answered: it does not know every family.</returns>
    public static bool Ask(ReadOnlySpan<byte> body, bool dump, Answer onAnswer)
    {
        var request = stackalloc byte[HeaderSize + LargestRequest];
        var span = new Span<byte>(request, HeaderSize + body.Length);
        span.Clear();
        BitConverter.TryWriteBytes(span, (uint)span.Length);
        BitConverter.TryWriteBytes(span[4..], ByFamily);
        BitConverter.TryWriteBytes(span[6..], (ushort)(dump ? Request | Dump : Request));
        body.CopyTo(span[HeaderSize..]);
        lock (Lock)
        {
            if (s_netlink is null)
            {
                var fd = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, Protocol);
                if (fd < 0) return false;
                s_netlink = new SafeDescriptor(fd);
            }
            return Libc.send(s_netlink, request, (nuint)span.Length, 0) == span.Length && ReadAnswers(dump, onAnswer);
        }
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

    private static void Exchange(int protocol, int family, bool dump, IPEndPoint from, IPEndPoint to, List<SocketTableEntry> found)
    {
        Span<byte> body = stackalloc byte[LargestRequest];
        body.Clear();
        body[0] = (byte)family;
        body[1] = (byte)protocol;
        BitConverter.TryWriteBytes(body[4..], uint.MaxValue);       // all states
        var id = body[8..];
        BinaryPrimitives.WriteUInt16BigEndian(id, (ushort)from.Port);
        if (!dump)
        {
            BinaryPrimitives.WriteUInt16BigEndian(id[2..], (ushort)to.Port);
            from.Address.TryWriteBytes(id[4..], out _);
            to.Address.TryWriteBytes(id[20..], out _);
        }
        BitConverter.TryWriteBytes(id[40..], ulong.MaxValue);       // no cookie
        Ask(body, dump, answer =>
        {
            if (answer.Length >= AnswerSize) found.Add(Parse(answer));
        });
    }

    private static bool ReadAnswers(bool dump, Answer onAnswer)
    {
        var buffer = stackalloc byte[16 * 1024];
        while (true)
        {
            var received = Libc.recv(s_netlink!, buffer, 16 * 1024, 0);
            if (received < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR) continue;
            if (received < HeaderSize) return false;
            var answers = new ReadOnlySpan<byte>(buffer, (int)received);
            while (answers.Length >= HeaderSize)
            {
                var length = (int)BitConverter.ToUInt32(answers);
                var type = BitConverter.ToUInt16(answers[4..]);
                if (type == Done) return true;
                if (type == Error || length < HeaderSize || length > answers.Length) return false;
                onAnswer(answers[HeaderSize..length]);
                answers = answers[Math.Min((length + 3) & ~3, answers.Length)..];
            }
            if (!dump) return true;
        }
    }

    private static SocketTableEntry Parse(ReadOnlySpan<byte> answer)
    {
        var id = answer[4..];
        var size = answer[0] == Libc.AF_INET6 ? 16 : 4;
        var local = new IPEndPoint(new IPAddress(id.Slice(4, size)), BinaryPrimitives.ReadUInt16BigEndian(id));
        var remote = new IPEndPoint(new IPAddress(id.Slice(20, size)), BinaryPrimitives.ReadUInt16BigEndian(id[2..]));
        var (userId, inode) = (BitConverter.ToUInt32(answer[64..]), BitConverter.ToUInt32(answer[68..]));
        return new SocketTableEntry(local, remote, answer[1], answer[2] == TimeWaitTimer, userId, inode);
    }
}
