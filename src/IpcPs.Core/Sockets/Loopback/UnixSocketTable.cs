using System.Text;

namespace IpcPs.Sockets.Loopback;

/// <summary>The Unix sockets of this network namespace with their peers (sock_diag(7), unix_diag).</summary>
internal static class UnixSocketTable
{
    private const int RequestSize = 24;         // struct unix_diag_req
    private const int AnswerSize = 16;          // struct unix_diag_msg
    private const uint Shown = 1 | 4 | 8 | 16;  // UDIAG_SHOW_NAME, PEER, ICONS, RQLEN

    /// <summary>All sockets; null where this kernel does not list them.</summary>
    public static List<UnixSocket>? Read()
    {
        Span<byte> request = stackalloc byte[RequestSize];
        request.Clear();
        request[0] = (byte)Libc.AF_UNIX;
        BitConverter.TryWriteBytes(request[4..], uint.MaxValue);        // all states
        BitConverter.TryWriteBytes(request[12..], Shown);
        var found = new List<UnixSocket>();
        var isComplete = SockDiag.Ask(request, dump: true, answer =>
        {
            if (answer.Length >= AnswerSize) found.Add(Parse(answer));
        });
        return isComplete ? found : null;
    }

    private static UnixSocket Parse(ReadOnlySpan<byte> answer)
    {
        var rest = answer[AnswerSize..];
        return new UnixSocket(BitConverter.ToUInt32(answer[4..]), (IpcSocketType)answer[1])
        {
            Name = NameOf(SockDiag.Attribute(rest, 0)),
            Peer = Number(SockDiag.Attribute(rest, 2)),
            Waiting = Numbers(SockDiag.Attribute(rest, 3)),
            Unread = Number(SockDiag.Attribute(rest, 4)),
        };
    }

    /// <summary>A socket's name in the form of /proc/net/unix: an abstract name begins with a NUL, which that shows as '@'.</summary>
    public static string NameOf(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty) return "";
        return name[0] == 0 ? "@" + Encoding.UTF8.GetString(name[1..]) : Encoding.UTF8.GetString(name.TrimEnd((byte)0));
    }

    private static uint Number(ReadOnlySpan<byte> value) => value.Length >= 4 ? BitConverter.ToUInt32(value) : 0;

    private static uint[] Numbers(ReadOnlySpan<byte> value)
    {
        var numbers = new uint[value.Length / 4];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = BitConverter.ToUInt32(value[(i * 4)..]);
        return numbers;
    }
}

/// <summary>A Unix socket.</summary>
/// <param name="Inode">The number in the link of its descriptors.</param>
/// <param name="Type">Its type.</param>
internal readonly record struct UnixSocket(uint Inode, IpcSocketType Type)
{
    /// <summary>Its path, its abstract name with a leading <c>@</c>, or an empty text. An accepted connection has its listener's
    /// name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The socket that it is connected to; 0 for none.</summary>
    public uint Peer { get; init; }

    /// <summary>Of a listener: the clients that it has not accepted.</summary>
    public IReadOnlyList<uint> Waiting { get; init; } = [];

    /// <summary>Bytes that it has received and that its process has not; of a listener how many clients wait.</summary>
    public uint Unread { get; init; }
}
