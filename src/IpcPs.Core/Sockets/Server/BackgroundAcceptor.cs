using System.Runtime.InteropServices;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Accepts at once, on a thread of its own: whose a TCP client is can be asked only while its socket is there, and a client that
/// connects, sends and leaves is gone in no time. Connections wait here as they would in the backlog, and no more of them.</summary>
internal sealed class BackgroundAcceptor : Acceptor
{
    private readonly SafeDescriptor _ready;
    private readonly Queue<ISocketConnection> _waiting = new();
    private readonly SemaphoreSlim _places;
    private readonly SemaphoreSlim _retry = new(0);
    private readonly CancellationToken _closing;
    private readonly Thread _thread;
    private IpcException? _failure;

    public BackgroundAcceptor(NativeSocket listening, AllowedUsers allowed, RejectedClientLog errors, int backlog, CancellationToken closing) : base(listening, allowed, errors)
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), listening.Address.Text);
        _ready = new SafeDescriptor(fd);
        _places = new SemaphoreSlim(Math.Max(backlog, 1));
        _closing = closing;
        _thread = new Thread(Run) { IsBackground = true, Name = $"IpcPs accept {listening.Address}" };
        _thread.Start();
    }

    public override SafeDescriptor Readiness => _ready;

    public override ISocketConnection? TryAccept()
    {
        ISocketConnection? connection;
        lock (_waiting)
        {
            if (_failure is { } failure)
            {
                _failure = null;
                if (_waiting.Count == 0) SetReady(false);
                _retry.Release();
                throw failure;
            }
            if (!_waiting.TryDequeue(out connection)) return null;
            if (_waiting.Count == 0) SetReady(false);
        }
        _places.Release();
        return connection;
    }

    public override void Dispose()
    {
        // Called when closing: it ends at once, and only then is the port free.
        _thread.Join();
        lock (_waiting)
        {
            while (_waiting.TryDequeue(out var connection)) connection.Channel.Dispose();
        }
        _ready.Dispose();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _places.Wait(_closing);
                Waiter.Poll(Listening.Descriptor, PollEvents.In, Deadline.Infinite, _closing);
                ISocketConnection? accepted;
                try
                {
                    accepted = AcceptNow();
                }
                catch (IpcException e) when (!_closing.IsCancellationRequested)
                {
                    // Reported to whoever receives, and tried again after that: the connection stays in the backlog meanwhile.
                    Keep(null, e);
                    _places.Release();
                    _retry.Wait(_closing);
                    continue;
                }
                if (accepted is null) _places.Release();
                else Keep(accepted, null);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Closed: nobody waits for connections any more.
        }
        catch (IpcException e)
        {
            // Can't wait for connections at all. Whoever receives is told; the thread must not take the process with it.
            Keep(null, e);
        }
    }

    private void Keep(ISocketConnection? accepted, IpcException? failure)
    {
        lock (_waiting)
        {
            if (_closing.IsCancellationRequested)
            {
                accepted?.Channel.Dispose();
                return;
            }
            if (accepted is not null) _waiting.Enqueue(accepted);
            else _failure = failure;
            SetReady(true);
        }
    }

    private unsafe void SetReady(bool ready)
    {
        ulong value = 1;
        if (ready) _ = Libc.write(_ready, (byte*)&value, 8);
        else _ = Libc.read(_ready, (byte*)&value, 8);
    }
}
