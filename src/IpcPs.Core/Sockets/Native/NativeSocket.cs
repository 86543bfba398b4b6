using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Native;

/// <summary>A socket and its system calls, for all kinds of socket channels. Methods whose names begin with Try never block.</summary>
/// <remarks>The descriptor itself is a blocking one, because a program that it is passed to expects that. Each call here uses MSG_DONTWAIT
/// instead.
/// Calls: socket(2), bind(2), connect(2), sendmsg(2), recvmsg(2), getsockopt(2), setsockopt(2).</remarks>
internal sealed unsafe partial class NativeSocket : IDisposable
{
    private const int Flags = Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL;

    // unix_dgram_sendmsg subtracts this from SO_SNDBUF.
    private const int UnixOverhead = 32;

    // The largest payload that fits the 16-bit length of a UDP datagram over IPv4.
    private const int MaxUdpPayload = 65507;

    /// <summary>Takes ownership of a descriptor that is a socket.</summary>
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

    /// <inheritdoc cref="StreamSocket.SendBufferSize"/>
    public int SendBufferSize
    {
        get => GetOption(Libc.SOL_SOCKET, Libc.SO_SNDBUF);
        set => SetBufferSize(Libc.SO_SNDBUF, value, "net.core.wmem_max");
    }

    /// <inheritdoc cref="StreamSocket.ReceiveBufferSize"/>
    public int ReceiveBufferSize
    {
        get => GetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUF);
        set => SetBufferSize(Libc.SO_RCVBUF, value, "net.core.rmem_max");
    }

    /// <summary>Bytes that can be received now (SIOCINQ); of a datagram socket, the size of the next message.</summary>
    public int PendingBytes => Ioctl(Libc.FIONREAD, "SIOCINQ");

    /// <summary>Bytes that the peer has not received yet (SIOCOUTQ).</summary>
    public int UnreceivedBytes => Ioctl(Libc.SIOCOUTQ, "SIOCOUTQ");

    /// <summary>The largest size of a packet, in bytes.</summary>
    public int MaxPacket => IsUnix ? SendBufferSize - UnixOverhead : MaxUdpPayload;

    /// <summary>Creates a socket of the kind that an address needs.</summary>
    public static NativeSocket Create(IpcAddress address)
    {
        var family = address.Scheme == IpcScheme.Unix ? Libc.AF_UNIX
            : address.EndPoint!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? Libc.AF_INET6 : Libc.AF_INET;
        var fd = Libc.socket(family, (int)address.SocketType | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0) throw IpcException.FromErrno("socket", Marshal.GetLastPInvokeError(), address.Text);
        return new NativeSocket(new SafeDescriptor(fd), family, address.SocketType, address);
    }

    public void Dispose()
    {
        var unread = UnreadReferences.Of(this);
        Descriptor.Dispose();
        unread?.Discard();
    }

    public int GetOption(int level, int option)
    {
        int value;
        var length = 4u;
        return Libc.getsockopt(Descriptor, level, option, &value, &length) == 0
            ? value
            : throw IpcException.FromErrno("getsockopt", Marshal.GetLastPInvokeError(), Address.Text);
    }

    public void SetOption(int level, int option, int value)
    {
        if (Libc.setsockopt(Descriptor, level, option, &value, 4) != 0)
            throw IpcException.FromErrno("setsockopt", Marshal.GetLastPInvokeError(), Address.Text);
    }

    /// <summary>How many packets the kernel dropped because the receive buffer was full (SO_MEMINFO). Unix sockets have no count:
    /// 0.</summary>
    public uint CountDropped()
    {
        var counters = stackalloc uint[Libc.SK_MEMINFO_VARS];
        var length = (uint)(Libc.SK_MEMINFO_VARS * sizeof(uint));
        if (Libc.getsockopt(Descriptor, Libc.SOL_SOCKET, Libc.SO_MEMINFO, counters, &length) != 0) return 0;
        return length > Libc.SK_MEMINFO_DROPS * sizeof(uint) ? counters[Libc.SK_MEMINFO_DROPS] : 0;
    }

    /// <summary>Makes the kernel report the sender of each message (SO_PASSCRED).</summary>
    public void EnableCredentials() => SetOption(Libc.SOL_SOCKET, Libc.SO_PASSCRED, 1);

    /// <summary>Sends each small message at once (TCP_NODELAY). Otherwise TCP delays it until the one before it was acknowledged.</summary>
    public void SendSmallMessagesAtOnce() => SetOption(Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);

    /// <summary>The process that connected, or that listens (SO_PEERCRED). Empty if the kernel does not report it.</summary>
    public PeerIdentity Peer()
    {
        Libc.Credentials peer;
        var length = (uint)sizeof(Libc.Credentials);
        if (!IsUnix || Libc.getsockopt(Descriptor, Libc.SOL_SOCKET, Libc.SO_PEERCRED, &peer, &length) != 0) return default;
        return peer.UserId == uint.MaxValue ? default : PeerIdentity.Of(peer);
    }

    /// <summary>TCP: lets the kernel ask every minute whether the peer still exists (SO_KEEPALIVE).</summary>
    public void KeepAlive()
    {
        SetOption(Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 1);
        SetOption(Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, 60);
    }

    /// <summary>The socket's own name (getsockname(2)).</summary>
    public NativeSocketAddress Name()
    {
        var name = default(NativeSocketAddress);
        var length = (uint)NativeSocketAddress.Capacity;
        fixed (byte* bytes = name.Buffer)
        {
            if (Libc.getsockname(Descriptor, bytes, &length) != 0)
                throw IpcException.FromErrno("getsockname", Marshal.GetLastPInvokeError(), Address.Text);
        }
        name.Length = length;
        return name;
    }

    /// <summary>The peer's name; empty if the socket is not connected.</summary>
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

    /// <summary>Connects. Waits while the server's backlog is full.</summary>
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
        // ppoll(2) cannot wait for a Unix server's full backlog. A blocking connect waits in the kernel.
        if (errno != Errno.EAGAIN || wait.Deadline.IsImmediate) return errno;
        var call = new ConnectCall(this, name);
        return InterruptibleCall.Invoke<ConnectCall, int>(ref call, out _, wait);
    }

    /// <summary>Ends sending: the peer receives the end of the stream.</summary>
    public void ShutdownSending()
    {
        if (Libc.shutdown(Descriptor, Libc.SHUT_WR) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.ENOTCONN) throw IpcException.FromErrno("shutdown", errno, Address.Text);
    }

    /// <summary>Sends to the peer.</summary>
    /// <returns>Bytes sent; -1 if it would block.</returns>
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
                if (errno != Errno.EINTR) throw SocketErrors.SendFailed(this, "send", errno, bytes.Length);
            }
        }
    }

    /// <summary>Sends to an address.</summary>
    /// <returns>Bytes sent; -1 if it would block.</returns>
    public int TrySendTo(NativeSocketAddress name, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles) =>
        TrySendMessage(bytes, handles, name, Flags);

    /// <summary>Sends to an address. Blocks in the kernel until the receiver has buffer space: ppoll(2) cannot wait for that on a socket
    /// that is not connected.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool SendTo(
        NativeSocketAddress name, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle>? handles, in WaitOptions wait,
        CancellationToken closing)
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
        var control = stackalloc byte[handles is { Count: > 0 } ? AncillaryData.MaxControl : 1];
        fixed (byte* from = bytes)
        fixed (byte* to = name.Buffer)
        {
            var vector = new Libc.IoVector { Base = from, Length = (nuint)bytes.Length };
            var message = new Libc.MessageHeader { Vectors = &vector, VectorCount = 1, NameLength = name.Length };
            if (name.Length > 0) message.Name = to;
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
                    if (errno != Errno.EINTR) throw SocketErrors.SendFailed(this, "sendmsg", errno, bytes.Length);
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
    /// <returns>Bytes received; 0 at the end of the stream; -1 if it would block.</returns>
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
                if (errno != Errno.EINTR) throw SocketErrors.ReceiveFailed(Address, errno);
            }
        }
    }

    /// <summary>Makes the descriptor blocking or non-blocking, for calls that have no MSG_DONTWAIT: connect(2), accept4(2).</summary>
    public void SetBlocking(bool blocking)
    {
        if (Libc.fcntl(Descriptor, Libc.F_SETFL, blocking ? 0 : Libc.O_NONBLOCK) != 0)
            throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), Address.Text);
    }

    [SkipLocalsInit]
    private int TryReceiveWithControl(byte* into, int length, ref ControlData data)
    {
        var control = stackalloc byte[AncillaryData.MaxControl];
        var vector = new Libc.IoVector { Base = into, Length = (nuint)length };
        while (true)
        {
            var header = new Libc.MessageHeader
            { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = AncillaryData.MaxControl };
            var received = Libc.recvmsg(Descriptor, &header, Flags | Libc.MSG_CMSG_CLOEXEC);
            if (received >= 0)
            {
                if (header.ControlLength > 0) data = AncillaryData.Read(control, (int)header.ControlLength);
                data.LostHandles = (header.Flags & Libc.MSG_CTRUNC) != 0;
                return (int)received;
            }
            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN) return -1;
            // The peer closed without receiving everything. What it had sent itself was received before.
            if (errno == Errno.ECONNRESET) return 0;
            if (errno != Errno.EINTR) throw SocketErrors.ReceiveFailed(Address, errno);
        }
    }

    private void SetBufferSize(int option, int bytes, string limit)
    {
        if (bytes <= 0) throw IpcException.Argument($"A buffer cannot have {bytes} bytes.", Address.Text);
        SetOption(Libc.SOL_SOCKET, option, bytes);
        // The kernel silently sets less.
        if (GetOption(Libc.SOL_SOCKET, option) < bytes)
            throw new IpcException(IpcErrors.LimitReached, $"A buffer of {bytes} bytes for '{Address}' is more than {limit} allows.",
                Address.Text, $"Raise the limit: sysctl {limit}={bytes}.");
    }

    private int Ioctl(nuint request, string name)
    {
        int bytes;
        return Libc.ioctl(Descriptor, request, &bytes) == 0
            ? bytes
            : throw IpcException.FromErrno($"ioctl({name})", Marshal.GetLastPInvokeError(), Address.Text);
    }

    private int TryConnect(NativeSocketAddress name)
    {
        fixed (byte* bytes = name.Buffer)
        {
            return Libc.connect(Descriptor, bytes, name.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    private readonly struct ConnectCall(NativeSocket socket, NativeSocketAddress name) : IBlockingCall<int>
    {
        public int Invoke(out int result) => result = socket.TryConnect(name);
    }

    private readonly struct SendCall(
        NativeSocket socket, NativeSocketAddress name, byte* bytes, int length, IReadOnlyList<SafeHandle>? handles) : IBlockingCall<int>
    {
        public int Invoke(out int result)
        {
            result = socket.TrySendMessage(new ReadOnlySpan<byte>(bytes, length), handles, name, Libc.MSG_NOSIGNAL);
            return result >= 0 ? 0 : result == -2 ? Errno.EINTR : Errno.EAGAIN;
        }
    }
}
