using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>The way back to a sender of a <see cref="DatagramListener"/>: what is sent here goes to it from the listener's own address.</summary>
public sealed class DatagramReply : MessageChannel
{
    private readonly DatagramListener _listener;
    private readonly NativeSocketAddress _sender;

    internal DatagramReply(DatagramListener listener, NativeSocketAddress sender) : base(sender.ToAddress(IpcSocketType.Datagram) ?? listener.Address, receivesOneByOne: false)
    {
        _listener = listener;
        _sender = sender;
    }

    /// <inheritdoc/>
    public override string Kind => "sender of datagrams";

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_listener.IsClosed;

    /// <inheritdoc/>
    public override bool CanReceive => false;

    /// <inheritdoc/>
    public override long MaxMessageSize => _listener.Socket.MaxPacket;

    private protected override void SendPacket(ReadOnlySpan<byte> packet, in SendOptions options, in WaitOptions wait)
    {
        PacketSend.RequirePlain(options, this);
        if (options.Handles is not null) SocketBuffers.RequireHandles(_listener.Socket);
        try
        {
            if (_listener.Socket.TrySendTo(_sender, packet, options.Handles) >= 0) return;
            if (wait.Deadline.IsImmediate || !_listener.Socket.SendTo(_sender, packet, options.Handles, wait, _listener.Closing))
                throw IpcException.TimedOut($"room at '{Address}'", Address.Text, wait.Deadline, IpcErrors.Full);
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait) =>
        throw new InvalidOperationException("Answers are received by the listener.");

    private protected override IpcException TooLarge(long size) => SocketErrors.TooLarge(_listener.Socket, size);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The socket is the listener's.
    }
}
