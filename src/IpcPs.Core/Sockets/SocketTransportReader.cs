using System.Security.Cryptography;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
using IpcPs.Transports;

namespace IpcPs.Sockets;

/// <summary>The reading end of a <see cref="SocketTransport"/>. It has ended when so many connections as there were writers have shown the key, and all of them have ended: what a
/// writer sent before it died may still be under way, over TCP even in its own kernel buffer.</summary>
internal sealed class SocketTransportReader : JobTransportReader
{
    // What dead processes have sent needs nobody but the kernel to come here.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SocketListener _listener;
    private readonly byte[] _key;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _told;
    private readonly HashSet<IpcChannel> _writers = [];
    private int _opened;

    /// <param name="listening">The inherited socket; owned from now on.</param>
    /// <param name="ticket">The link's ticket.</param>
    /// <param name="cancellation">Ends waits.</param>
    public SocketTransportReader(SafeDescriptor listening, string ticket, CancellationToken cancellation)
    {
        (var address, _key) = SocketTransport.Parse(ticket);
        _cancellation = cancellation;
        _told = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var family = address.Scheme == IpcScheme.Unix ? Libc.AF_UNIX : Libc.AF_INET;
        _listener = new SocketListener(new NativeSocket(listening, family, IpcSocketType.Stream, address), null, AllowedUsers.OwnOrUnknown(), 0);
    }

    public override bool Receive(MessageBuffer message)
    {
        while (true)
        {
            if (!TryReceive(message)) return false;
            if (message.ReplyChannel is not { } writer) continue;
            if (_writers.Contains(writer)) return true;
            if (CryptographicOperations.FixedTimeEquals(message.Span, _key)) _writers.Add(writer);
            else writer.Dispose();
        }
    }

    public override void EndOfWriters(int opened)
    {
        _opened = opened;
        _told.Cancel();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _listener.Dispose();
    }

    private bool TryReceive(MessageBuffer message)
    {
        try
        {
            return _listener.Receive(message, Objects, new(Deadline.Infinite, _told.Token));
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            // Told of the end while it waited, or before.
        }
        while (true)
        {
            try
            {
                return _listener.Receive(message, Objects, new(Deadline.Immediate, _cancellation));
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty)
            {
                if (_writers.Count >= _opened && _writers.All(static w => w.IsClosed)) return false;
            }
            if (!Waiter.Poll(_listener.ReadinessDescriptor(new(Deadline.Infinite, _cancellation))!, PollEvents.In, new(Deadline.After(Patience), _cancellation))) throw Missing();
        }
    }

    private IpcException Missing()
    {
        var ended = _writers.Count(static w => w.IsClosed);
        return new IpcException(IpcErrors.PeerClosed, $"All {_opened} processes that wrote to '{_listener.Address}' have ended, and what {_opened - ended} of them sent has not come to its end.", _listener.Address.Text);
    }
}
