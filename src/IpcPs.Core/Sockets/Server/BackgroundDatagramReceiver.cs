using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Receives a UDP listener's datagrams as soon as they come, on a thread of its own, and looks up whose each is: that can be asked only while the sender
/// has its socket open, and a program that sends one message and ends is gone long before somebody receives. What was admitted waits here; when
/// that is as much as the socket's own buffer would hold, the rest waits there.</summary>
internal sealed class BackgroundDatagramReceiver : IDisposable
{
    // What the kernel counts for a small datagram besides its bytes.
    private const int Overhead = 768;

    private readonly SafeDescriptor _ready;
    private readonly NativeSocket _socket;
    private readonly Func<NativeSocketAddress, uint?> _admit;
    private readonly object _receiving = new();
    private readonly MessageBuffer _buffer = new();
    private readonly Queue<Datagram> _waiting = new();
    private readonly SemaphoreSlim _goOn = new(0);
    private readonly CancellationToken _closing;
    private readonly int _room;
    private readonly Thread _thread;
    private IpcException? _failure;
    private long _bytes;
    private bool _isPaused;

    /// <param name="socket">The listener's socket; nobody else receives from it.</param>
    /// <param name="admit">Says whose a sender's name is; null for one who is not served, whose datagram is dropped.</param>
    /// <param name="closing">Ends it.</param>
    public BackgroundDatagramReceiver(NativeSocket socket, Func<NativeSocketAddress, uint?> admit, CancellationToken closing)
    {
        var fd = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("eventfd", Marshal.GetLastPInvokeError(), socket.Address.Text);
        _ready = new SafeDescriptor(fd);
        _socket = socket;
        _admit = admit;
        _room = socket.ReceiveBufferSize;
        _closing = closing;
        _thread = new Thread(Run) { IsBackground = true, Name = $"IpcPs receive {socket.Address}" };
        _thread.Start();
    }

    /// <summary>What to poll for a datagram.</summary>
    public SafeDescriptor Readiness => _ready;

    /// <summary>Takes the next datagram if one is there.</summary>
    /// <exception cref="IpcException">Receiving failed.</exception>
    public bool TryTake(MessageBuffer message, out NativeSocketAddress sender)
    {
        if (TryDequeue(message, out sender)) return true;
        // What was sent before this call is there for it, whether or not the thread has woken up by now.
        ReceiveAll();
        return TryDequeue(message, out sender);
    }

    public void Dispose()
    {
        // Called when closing: it ends at once.
        _thread.Join();
        _ready.Dispose();
    }

    private bool TryDequeue(MessageBuffer message, out NativeSocketAddress sender)
    {
        sender = default;
        lock (_waiting)
        {
            if (_waiting.TryDequeue(out var next))
            {
                if (_waiting.Count == 0 && _failure is null) SetReady(false);
                _bytes -= next.Payload.Length + Overhead;
                message.Swap(next.Payload, next.Payload.Length);
                message.SenderUserId = next.UserId;
                sender = next.Sender;
                GoOn();
                return true;
            }
            if (_failure is not { } failure) return false;
            _failure = null;
            SetReady(false);
            GoOn();
            throw failure;
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                Waiter.Poll(_socket.Descriptor, PollEvents.In, Deadline.Infinite, _closing);
                IpcException? failure = null;
                try
                {
                    ReceiveAll();
                }
                catch (IpcException e) when (!_closing.IsCancellationRequested)
                {
                    failure = e;
                }
                if (Keep(failure)) _goOn.Wait(_closing);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Closed: nobody waits for datagrams any more.
        }
        catch (IpcException e)
        {
            // Can't wait for datagrams at all. Whoever receives is told; the thread must not take the process with it.
            Keep(e);
        }
    }

    private void ReceiveAll()
    {
        lock (_receiving)
        {
            while (TryReceive())
            {
            }
        }
    }

    private unsafe bool TryReceive()
    {
        lock (_waiting) if (_bytes >= _room) return false;
        _buffer.Clear();
        NativeSocketAddress sender;
        if (_socket.TryReceivePacket(_buffer, out _, &sender) < 0) return false;
        if (_admit(sender) is not { } user) return true;
        var datagram = new Datagram(_buffer.Payload.ToArray(), sender, user);
        lock (_waiting)
        {
            if (_waiting.Count == 0) SetReady(true);
            _waiting.Enqueue(datagram);
            _bytes += datagram.Payload.Length + Overhead;
        }
        return true;
    }

    /// <summary>Notes a failure, and whether the thread has to pause: until that was reported, or until there is room.</summary>
    private bool Keep(IpcException? failure)
    {
        lock (_waiting)
        {
            if (failure is not null)
            {
                _failure = failure;
                SetReady(true);
            }
            return _isPaused = failure is not null || _bytes >= _room;
        }
    }

    private void GoOn()
    {
        // Not for each of them: the thread takes what has come meanwhile in one go.
        if (!_isPaused || _failure is not null || _bytes > _room / 2) return;
        _isPaused = false;
        _goOn.Release();
    }

    private unsafe void SetReady(bool ready)
    {
        ulong value = 1;
        if (ready) _ = Libc.write(_ready, (byte*)&value, 8);
        else _ = Libc.read(_ready, (byte*)&value, 8);
    }

    private readonly record struct Datagram(byte[] Payload, NativeSocketAddress Sender, uint UserId);
}
