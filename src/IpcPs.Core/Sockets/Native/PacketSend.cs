using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <summary>What seqpacket and datagram sockets have in common when they send and receive.</summary>
internal static unsafe class PacketSend
{
    /// <summary>Refuses what sockets don't have.</summary>
    public static void RequirePlain(in SendOptions options, IpcChannel channel)
    {
        if (options.Type != 0 || options.Priority is not null)
            throw new IpcException(IpcErrors.NotSupported, $"This {channel.Kind} has no message types and priorities.", channel.Address.Text) { Advice = IpcAdvice.UseQueue };
    }

    /// <inheritdoc cref="RequirePlain(in SendOptions, IpcChannel)"/>
    public static void RequirePlain(in ReceiveOptions options, IpcChannel channel)
    {
        if (options.Type is not null || options.ExceptType || options.Peek)
            throw new IpcException(IpcErrors.NotSupported, $"This {channel.Kind} has no message types and no peeking.", channel.Address.Text) { Advice = IpcAdvice.UseSysVQueue };
    }

    /// <summary>Sends a packet to the peer of a connected socket; waits for room.</summary>
    public static void ToPeer(NativeSocket socket, ReadOnlySpan<byte> packet, IReadOnlyList<SafeHandle>? handles, in WaitOptions wait, CancellationToken closing)
    {
        if (handles is not null) SocketBuffers.RequireHandles(socket);
        fixed (byte* bytes = packet)
        {
            var attempt = new SendAttempt(socket, bytes, packet.Length, handles);
            if (!Waiter.UntilRoom(ref attempt, socket.Descriptor, wait, closing))
                throw IpcException.TimedOut($"room on '{socket.Address}'", socket.Address.Text, wait.Deadline, IpcErrors.Full);
        }
    }

    private readonly struct SendAttempt(NativeSocket socket, byte* bytes, int length, IReadOnlyList<SafeHandle>? handles) : IAttempt
    {
        public bool TryOnce() => socket.TrySend(new ReadOnlySpan<byte>(bytes, length), handles) >= 0;
    }
}
