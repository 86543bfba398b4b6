using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Native;

/// <summary>The buffers of a socket, as its channel shows them.</summary>
internal static unsafe class SocketBuffers
{
    /// <summary>Bytes that wait on their way to the peer before a sender waits (SO_SNDBUF); the kernel counts its own bookkeeping too, and
    /// doubles what is set.</summary>
    public static int GetSend(NativeSocket socket) => socket.SendBufferSize;

    /// <inheritdoc cref="GetSend"/>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: net.core.wmem_max is less.</exception>
    public static void SetSend(NativeSocket socket, int bytes) => Set(socket, Libc.SO_SNDBUF, bytes, "net.core.wmem_max");

    /// <summary>Bytes that wait to be received (SO_RCVBUF); the kernel counts its own bookkeeping too, and doubles what is set.</summary>
    public static int GetReceive(NativeSocket socket) => socket.ReceiveBufferSize;

    /// <inheritdoc cref="GetReceive"/>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: net.core.rmem_max is less.</exception>
    public static void SetReceive(NativeSocket socket, int bytes) => Set(socket, Libc.SO_RCVBUF, bytes, "net.core.rmem_max");

    /// <summary>SIOCINQ.</summary>
    public static int GetPending(NativeSocket socket) => Ask(socket, Libc.FIONREAD, "SIOCINQ");

    /// <summary>SIOCOUTQ.</summary>
    public static int GetUnreceived(NativeSocket socket) => Ask(socket, Libc.SIOCOUTQ, "SIOCOUTQ");

    /// <summary>Throws where the socket carries no descriptors.</summary>
    public static void RequireHandles(NativeSocket socket)
    {
        if (!socket.IsUnix)
            throw new IpcException(IpcErrors.NotSupported, $"'{socket.Address}' does not carry descriptors: only unix sockets do.", socket.Address.Text) { Advice = IpcAdvice.UseUnixSocket };
    }

    private static void Set(NativeSocket socket, int option, int bytes, string limit)
    {
        if (bytes <= 0) throw IpcException.Argument($"A buffer of {bytes} bytes is out of range.", socket.Address.Text);
        socket.SetOption(Libc.SOL_SOCKET, option, bytes);
        // The kernel takes less without a word.
        if (socket.GetOption(Libc.SOL_SOCKET, option) < bytes)
            throw new IpcException(IpcErrors.LimitReached, $"A buffer of {bytes} bytes for '{socket.Address}' is more than {limit} allows.", socket.Address.Text, $"Raise it: sysctl {limit}={bytes}.");
    }

    private static int Ask(NativeSocket socket, nuint request, string name)
    {
        int bytes;
        return Libc.ioctl(socket.Descriptor, request, &bytes) == 0 ? bytes : throw IpcException.FromErrno($"ioctl({name})", Marshal.GetLastPInvokeError(), socket.Address.Text);
    }
}
