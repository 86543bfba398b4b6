using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Native;

/// <summary>A socket and the calls on it: what all kinds of socket channels have in common. Nothing here waits but <see cref="Connect"/>.</summary>
/// <remarks>Its descriptor is a blocking one and every call says MSG_DONTWAIT, so that a program to which it is passed finds what it expects.
/// Calls: socket(2), bind(2), connect(2), sendmsg(2), recvmsg(2), getsockopt(2), setsockopt(2).</remarks>
internal sealed unsafe partial class NativeSocket : IDisposable
{
    private const int Flags = Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL;

    /// <summary>Takes over a descriptor that is a socket.</summary>
    public NativeSocket(SafeDescriptor descriptor, int family, IpcSocketType type, IpcAddress address)
    {
        Descriptor = descriptor;
        Family = family;
        Type = type;
        Address = address;
    }

    public SafeDescriptor Descriptor { get; }

    /// <summary>AF_UNIX, AF_INET or AF_INET6.</summary>
    public int Family { get; }

    public IpcSocketType Type { get; }

    /// <summary>For errors.</summary>
    public IpcAddress Address { get; set; }

    public bool IsUnix => Family == Libc.AF_UNIX;

    /// <summary>SO_SNDBUF: bytes that wait on their way to the peer, the kernel's own bookkeeping included.</summary>
    public int SendBufferSize => GetOption(Libc.SOL_SOCKET, Libc.SO_SNDBUF);

    /// <summary>SO_RCVBUF: bytes that wait to be received, the kernel's own bookkeeping included.</summary>
    public int ReceiveBufferSize => GetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUF);

    /// <summary>Bytes that one packet may have.</summary>
    public int MaxPacket => IsUnix ? SendBufferSize - UnixOverhead : MaxUdpPayload;

    // What unix_dgram_sendmsg keeps back of SO_SNDBUF; the most that the 16-bit length of a UDP datagram over IPv4 leaves.
    private const int UnixOverhead = 32;
    private const int MaxUdpPayload = 65507;

    /// <summary>Creates a socket of the kind that an address needs.</summary>
    public static NativeSocket Create(IpcAddress address)
    {
        var family = address.Scheme == IpcScheme.Unix ? Libc.AF_UNIX
            : address.EndPoint!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? Libc.AF_INET6 : Libc.AF_INET;
        var fd = Libc.socket(family, (int)address.SocketType | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0) throw IpcException.FromErrno("socket", Marshal.GetLastPInvokeError(), address.Text);
        return new NativeSocket(new SafeDescriptor(fd), family, address.SocketType, address);
    }

    public void Dispose() => Descriptor.Dispose();

    public int GetOption(int level, int option)
    {
        int value;
        var length = 4u;
        return Libc.getsockopt(Descriptor, level, option, &value, &length) == 0 ? value : throw IpcException.FromErrno("getsockopt", Marshal.GetLastPInvokeError(), Address.Text);
    }

    public void SetOption(int level, int option, int value)
    {
        if (Libc.setsockopt(Descriptor, level, option, &value, 4) != 0) throw IpcException.FromErrno("setsockopt", Marshal.GetLastPInvokeError(), Address.Text);
    }

    /// <summary>Packets that the kernel dropped because the receive buffer was full (SO_MEMINFO); 0 where it does not count, as on unix sockets.</summary>
    public uint Drops()
    {
        var counters = stackalloc uint[Libc.SK_MEMINFO_VARS];
        var length = (uint)(Libc.SK_MEMINFO_VARS * sizeof(uint));
        return Libc.getsockopt(Descriptor, Libc.SOL_SOCKET, Libc.SO_MEMINFO, counters, &length) == 0 && length > Libc.SK_MEMINFO_DROPS * sizeof(uint) ? counters[Libc.SK_MEMINFO_DROPS] : 0;
    }

    /// <summary>Asks the kernel to say with each message who sent it (SO_PASSCRED).</summary>
    public void AskForSenders() => SetOption(Libc.SOL_SOCKET, Libc.SO_PASSCRED, 1);

    /// <summary>Who connected, or who listens (SO_PEERCRED); null where the kernel does not say.</summary>
    public Libc.Credentials? PeerCredentials()
    {
        Libc.Credentials peer;
        var length = (uint)sizeof(Libc.Credentials);
        if (!IsUnix || Libc.getsockopt(Descriptor, Libc.SOL_SOCKET, Libc.SO_PEERCRED, &peer, &length) != 0) return null;
        return peer.UserId == uint.MaxValue ? null : peer;
    }

    /// <summary>The socket's own name.</summary>
    public NativeSocketAddress Name()
    {
        var name = default(NativeSocketAddress);
        var length = (uint)NativeSocketAddress.Capacity;
        fixed (byte* bytes = name.Buffer)
        {
            if (Libc.getsockname(Descriptor, bytes, &length) != 0) throw IpcException.FromErrno("getsockname", Marshal.GetLastPInvokeError(), Address.Text);
        }
        name.Length = length;
        return name;
    }

    /// <summary>The name of who is at the other end; none where nobody is.</summary>
    public NativeSocketAddress PeerName()
    {
        var name = default(NativeSocketAddress);
        var length = (uint)NativeSocketAddress.Capacity;
        fixed (byte* bytes = name.Buffer)
        {
            name.Length = Libc.getpeername(Descriptor, bytes, &length) == 0 ? length : 0;
        }
        return name;
    }

    /// <summary>bind(2).</summary>
    /// <returns>0, or the errno.</returns>
    public int TryBind(NativeSocketAddress name)
    {
        fixed (byte* bytes = name.Buffer) return Libc.bind(Descriptor, bytes, name.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Connects, waiting as long as the deadline allows where the server's backlog is full.</summary>
    /// <returns>0, or the errno; ETIMEDOUT when the deadline passed.</returns>
    public int Connect(NativeSocketAddress name, in WaitOptions wait)
    {
        SetBlocking(false);
        var errno = TryConnect(name);
        if (errno == Errno.EINPROGRESS)
        {
            if (!Waiter.Poll(Descriptor, PollEvents.Out, wait)) return Errno.ETIMEDOUT;
            errno = GetOption(Libc.SOL_SOCKET, Libc.SO_ERROR);
        }
        SetBlocking(true);
        // A unix socket whose backlog is full can't be polled for room; a blocking connect waits for it in the kernel.
        if (errno != Errno.EAGAIN || wait.Deadline.IsImmediate) return errno;
        var call = new ConnectCall(this, name);
        return InterruptibleCall.Invoke<ConnectCall, int>(ref call, out _, wait);
    }

    /// <summary>Says that no more will be sent.</summary>
    public void ShutdownSending()
    {
        if (Libc.shutdown(Descriptor, Libc.SHUT_WR) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.ENOTCONN) throw IpcException.FromErrno("shutdown", errno, Address.Text);
    }

    /// <summary>Sends to the peer.</summary>
    /// <returns>Bytes sent; -1 where it would block.</returns>
    public int TrySend(ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles)
    {
        if (handles is { Count: > 0 }) return TrySendMessage(bytes, handles, default, Flags);
        fixed (byte* from = bytes)
        {
            while (true)
            {
                var sent = Libc.send(Descriptor, from, (nuint)bytes.Length, Flags);
                if (sent >= 0) return (int)sent;
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EAGAIN) return -1;
                if (errno != Errno.EINTR) throw SendFailed("send", errno, bytes.Length);
            }
        }
    }

    /// <summary>Sends to a name.</summary>
    /// <returns>Bytes sent; -1 where it would block.</returns>
    public int TrySendTo(NativeSocketAddress name, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles) => TrySendMessage(bytes, handles, name, Flags);

    /// <summary>Sends to a name, blocking in the kernel until there is room: a socket that is not connected can't be polled for room at the other side.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool SendTo(NativeSocketAddress name, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles, in WaitOptions wait, CancellationToken closing)
    {
        fixed (byte* from = bytes)
        {
            var call = new SendCall(this, name, from, bytes.Length, handles);
            return InterruptibleCall.Invoke<SendCall, int>(ref call, out _, wait, closing) == 0;
        }
    }

    [SkipLocalsInit]
    private int TrySendMessage(ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles, NativeSocketAddress name, int flags)
    {
        if (handles is { Count: > 0 } && !IsUnix)
            throw new IpcException(IpcErrors.NotSupported, $"A {Address.Scheme.ToString().ToUpperInvariant()} socket does not carry descriptors.", Address.Text) { Advice = IpcAdvice.UseUnixSocket };
        var control = stackalloc byte[handles is { Count: > 0 } ? AncillaryData.MaxControl : 1];
        fixed (byte* from = bytes)
        fixed (byte* to = name.Buffer)
        {
            var vector = new Libc.IoVector { Base = from, Length = (nuint)bytes.Length };
            var message = new Libc.MessageHeader { Name = name.Length > 0 ? to : null, NameLength = name.Length, Vectors = &vector, VectorCount = 1 };
            if (handles is { Count: > 0 })
            {
                message.Control = control;
                message.ControlLength = (nuint)AncillaryData.Write(handles, control, Address);
            }
            try
            {
                while (true)
                {
                    var sent = Libc.sendmsg(Descriptor, &message, flags);
                    if (sent >= 0) return (int)sent;
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno == Errno.EAGAIN) return -1;
                    if (errno != Errno.EINTR) throw SendFailed("sendmsg", errno, bytes.Length);
                    if ((flags & Libc.MSG_DONTWAIT) == 0) return -2;
                }
            }
            finally
            {
                if (handles is { Count: > 0 }) AncillaryData.Release(handles, handles.Count);
            }
        }
    }

    /// <summary>Receives from a stream.</summary>
    /// <returns>Bytes received; 0 at the end; -1 where it would block.</returns>
    public int TryReceive(Span<byte> buffer, out ControlData data)
    {
        data = default;
        fixed (byte* into = buffer)
        {
            if (IsUnix) return TryReceiveWithControl(into, buffer.Length, ref data);
            while (true)
            {
                var received = Libc.recv(Descriptor, into, (nuint)buffer.Length, Flags);
                if (received >= 0) return (int)received;
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EAGAIN) return -1;
                if (errno != Errno.EINTR) throw ReceiveFailed(errno);
            }
        }
    }

    /// <summary>Makes the descriptor block, or not: for connect(2), accept4(2) and calls that are to wait in the kernel.</summary>
    public void SetBlocking(bool blocking)
    {
        if (Libc.fcntl(Descriptor, Libc.F_SETFL, blocking ? 0 : Libc.O_NONBLOCK) != 0) throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), Address.Text);
    }

    [SkipLocalsInit]
    private int TryReceiveWithControl(byte* into, int length, ref ControlData data)
    {
        var control = stackalloc byte[AncillaryData.MaxControl];
        var vector = new Libc.IoVector { Base = into, Length = (nuint)length };
        while (true)
        {
            var header = new Libc.MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = AncillaryData.MaxControl };
            var received = Libc.recvmsg(Descriptor, &header, Flags | Libc.MSG_CMSG_CLOEXEC);
            if (received >= 0)
            {
                if (header.ControlLength > 0) data = AncillaryData.Read(control, (int)header.ControlLength);
                data.LostHandles = (header.Flags & Libc.MSG_CTRUNC) != 0;
                return (int)received;
            }
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN) return -1;
            // The peer went away with something of ours unread. What it had sent itself has been received by now.
            if (errno == Errno.ECONNRESET) return 0;
            if (errno != Errno.EINTR) throw ReceiveFailed(errno);
        }
    }

    private int TryConnect(NativeSocketAddress name)
    {
        fixed (byte* bytes = name.Buffer)
        {
            return Libc.connect(Descriptor, bytes, name.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    private IpcException SendFailed(string call, int errno, int length) => errno switch
    {
        Errno.EPIPE or Errno.ECONNRESET or Errno.ENOTCONN or Errno.ECONNREFUSED or Errno.ECONNABORTED or Errno.ENOENT =>
            new IpcException(IpcErrors.PeerClosed, $"The other side of '{Address}' is gone: what is sent would reach nobody.", Address.Text) { Errno = errno, Call = call },
        Errno.EMSGSIZE => SocketErrors.TooLarge(this, length),
        Errno.ETOOMANYREFS => new IpcException(IpcErrors.LimitReached, $"Too many descriptors are on their way through '{Address}' and its like.", Address.Text,
            "Let the receivers take theirs, or raise RLIMIT_NOFILE with 'ulimit -n'.")
        { Errno = errno, Call = call },
        _ => IpcException.FromErrno(call, errno, Address.Text),
    };

    private IpcException ReceiveFailed(int errno) => errno switch
    {
        Errno.ECONNRESET => new IpcException(IpcErrors.PeerClosed, $"The other side of '{Address}' broke the connection off; what it sent last may be lost.", Address.Text) { Errno = errno, Call = "recv" },
        Errno.ECONNREFUSED => new IpcException(IpcErrors.PeerClosed, $"Nobody listens at '{Address}' any more: something that was sent reached nobody.", Address.Text) { Errno = errno, Call = "recv" },
        _ => IpcException.FromErrno("recv", errno, Address.Text),
    };

    private readonly struct ConnectCall(NativeSocket socket, NativeSocketAddress name) : IBlockingCall<int>
    {
        public int Invoke(out int result) => result = socket.TryConnect(name);
    }

    private readonly struct SendCall(NativeSocket socket, NativeSocketAddress name, byte* bytes, int length, IReadOnlyList<SafeHandle>? handles) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            result = socket.TrySendMessage(new ReadOnlySpan<byte>(bytes, length), handles, name, Libc.MSG_NOSIGNAL);
            return result >= 0 ? 0 : result == -2 ? Errno.EINTR : Errno.EAGAIN;
        }
    }
}
