using IpcPs.Sockets.Loopback;

namespace IpcPs.Watching;

/// <summary>Dumps sockets with their queues and counters (sock_diag(7)).</summary>
internal static class DiagDump
{
    // include/uapi/linux/inet_diag.h and unix_diag.h: the numbers of the attributes.
    public const int TcpInfo = 2;
    public const int Memory = 7;
    public const int UnixName = 0;
    public const int UnixQueue = 4;

    private const int InetSize = 72;            // struct inet_diag_msg
    private const int UnixSize = 16;            // struct unix_diag_msg
    private const int InetRequest = 56;         // struct inet_diag_req_v2
    private const int UnixRequest = 24;         // struct unix_diag_req
    private const int ShowNameAndQueue = 0x11;  // UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN
    private const int TimeWait = 6;

    /// <summary>Takes one socket: the kernel's structure, and the attributes after it.</summary>
    public delegate void Visit(ReadOnlySpan<byte> message, ReadOnlySpan<byte> attributes);

    /// <summary>All TCP or UDP sockets of one family.</summary>
    /// <returns>False where sock_diag does not answer.</returns>
    public static bool Inet(int family, int protocol, Visit visit)
    {
        Span<byte> request = stackalloc byte[InetRequest];
        request.Clear();
        request[0] = (byte)family;
        request[1] = (byte)protocol;
        request[2] = (byte)(1 << ((protocol == Libc.IPPROTO_TCP ? TcpInfo : Memory) - 1));
        // All states, except connections that are only remembered: there may be thousands.
        BitConverter.TryWriteBytes(request[4..], ~(1u << TimeWait));
        return Dump(request, InetSize, visit);
    }

    /// <summary>All Unix sockets.</summary>
    /// <returns>False where sock_diag does not answer.</returns>
    public static bool Unix(Visit visit)
    {
        Span<byte> request = stackalloc byte[UnixRequest];
        request.Clear();
        request[0] = Libc.AF_UNIX;
        BitConverter.TryWriteBytes(request[4..], uint.MaxValue);
        BitConverter.TryWriteBytes(request[12..], ShowNameAndQueue);
        return Dump(request, UnixSize, visit);
    }

    private static bool Dump(ReadOnlySpan<byte> request, int size, Visit visit) => SockDiag.Ask(request, dump: true, answer =>
    {
        if (answer.Length >= size) visit(answer[..size], answer[size..]);
    });
}
