using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Receives from a listener's socket as soon as something arrives, on a thread of its own. The kernel can report the user of a
/// loopback peer only while that peer's socket exists, and a program that connects, sends and exits is soon gone. What was received is
/// queued here. When the queue is full, the thread pauses and the rest waits in the kernel.</summary>
/// <typeparam name="T">What is received: a connection or a datagram.</typeparam>
internal abstract class BackgroundReceiver<T> : IDisposable
{
    private readonly NativeSocket _socket;
    private readonly long _capacity;
    private readonly long _resumeAt;
    private readonly CancellationToken _closing;
    private readonly EventDescriptor _ready;
    private readonly object _receiving = new();
    private readonly Queue<(T Item, int Size)> _received = new();
    private readonly SemaphoreSlim _resume = new(0);
    private IpcException? _error;
    private Thread? _thread;
    private long _used;
    private bool _isPaused;

    /// <param name="socket">The listener's socket. Only this object receives from it.</param>
    /// <param name="capacity">The thread pauses when the items' sizes add up to this.</param>
    /// <param name="resumeAt">It goes on when they add up to no more than this.</param>
    /// <param name="closing">Ends the thread.</param>
    protected BackgroundReceiver(NativeSocket socket, long capacity, long resumeAt, CancellationToken closing)
    {
        (_socket, _capacity, _resumeAt, _closing) = (socket, capacity, resumeAt, closing);
        _ready = new EventDescriptor(socket.Address.Text);
    }

    /// <summary>Readable while an item or an error is queued.</summary>
    public SafeDescriptor Readiness => _ready.Handle;

    /// <summary>Call after closing was cancelled. Waits for the thread, which ends at once; only then is the socket's port free.</summary>
    public void Dispose()
    {
        _thread?.Join();
        while (_received.TryDequeue(out var next)) Discard(next.Item);
        _ready.Dispose();
    }

    /// <summary>Starts the thread: the last statement of a constructor.</summary>
    protected void Start()
    {
        try
        {
            _thread = BackgroundThread.Start($"IpcPs listener {_socket.Address}", Run, _socket.Address.Text);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Receives one item from the socket, if one is there.</summary>
    protected abstract bool TryReceive(out T item, out int size);

    protected virtual void Discard(T item)
    {
    }

    /// <summary>Removes the next item from the queue. The error that the thread met comes after the items that it received
    /// before.</summary>
    /// <exception cref="IpcException">Receiving failed. The thread tries again after this report.</exception>
    protected bool TryDequeue(out T item)
    {
        lock (_received)
        {
            if (_received.TryDequeue(out var next))
            {
                item = next.Item;
                _used -= next.Size;
                if (_received.Count == 0 && _error is null) _ready.Reset();
                Resume();
                return true;
            }
            item = default!;
            if (_error is not { } error) return false;
            _error = null;
            _ready.Reset();
            Resume();
            throw error;
        }
    }

    /// <summary>Moves what has arrived into the queue.</summary>
    protected void ReceiveAll()
    {
        lock (_receiving)
        {
            while (HasSpace() && TryReceive(out var item, out var size)) Enqueue(item, size);
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                IpcException? error = null;
                try
                {
                    Waiter.Poll(_socket.Descriptor, PollEvents.In, Deadline.Infinite, _closing);
                    ReceiveAll();
                }
                catch (IpcException e) when (!_closing.IsCancellationRequested)
                {
                    error = e;
                }
                if (MustPause(error)) _resume.Wait(_closing);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The listener was closed.
        }
        catch (IpcException e)
        {
            // Closed while it waited. An unhandled exception here would end the process.
            MustPause(e);
        }
    }

    private bool HasSpace()
    {
        lock (_received) return _used < _capacity;
    }

    private void Enqueue(T item, int size)
    {
        lock (_received)
        {
            if (_received.Count == 0) _ready.Set();
            _received.Enqueue((item, size));
            _used += size;
        }
    }

    // The thread pauses until an error was reported, or until the queue has space.
    private bool MustPause(IpcException? error)
    {
        lock (_received)
        {
            if (error is not null)
            {
                _error = error;
                _ready.Set();
            }
            return _isPaused = error is not null || _used >= _capacity;
        }
    }

    private void Resume()
    {
        if (!_isPaused || _error is not null || _used > _resumeAt) return;
        _isPaused = false;
        _resume.Release();
    }
}

/// <summary>A UDP datagram whose sender is allowed.</summary>
internal readonly record struct ReceivedDatagram(byte[] Payload, NativeSocketAddress Sender, uint UserId);

/// <summary>Receives a UDP listener's datagrams in the background and looks up the user of each sender. It queues as many bytes as the
/// socket's own buffer holds.</summary>
internal sealed class BackgroundDatagramReceiver : BackgroundReceiver<ReceivedDatagram>
{
    // What the kernel counts for a small datagram besides its bytes.
    private const int Overhead = 768;

    private readonly NativeSocket _socket;
    private readonly Func<NativeSocketAddress, uint?> _admit;
    private readonly MessageBuffer _buffer = new();

    /// <param name="socket">The listener's socket.</param>
    /// <param name="admit">Returns the user of a sender's address, or null to drop its datagram.</param>
    /// <param name="closing">Ends the thread.</param>
    public BackgroundDatagramReceiver(NativeSocket socket, Func<NativeSocketAddress, uint?> admit, CancellationToken closing)
        // The thread resumes when half is free, so that it receives several datagrams each time it wakes.
        : base(socket, socket.ReceiveBufferSize, socket.ReceiveBufferSize / 2, closing)
    {
        (_socket, _admit) = (socket, admit);
        Start();
    }

    /// <summary>Receives the next datagram if one is there.</summary>
    /// <exception cref="IpcException">Receiving failed.</exception>
    public bool TryReceive(MessageBuffer message, out NativeSocketAddress sender)
    {
        sender = default;
        if (!TryDequeue(out var datagram))
        {
            // A datagram that was sent before this call must be found, even if the thread has not woken yet.
            ReceiveAll();
            if (!TryDequeue(out datagram)) return false;
        }
        message.Swap(datagram.Payload, datagram.Payload.Length);
        message.SenderUserId = datagram.UserId;
        sender = datagram.Sender;
        return true;
    }

    protected override unsafe bool TryReceive(out ReceivedDatagram item, out int size)
    {
        while (true)
        {
            (item, size) = (default, 0);
            _buffer.Clear();
            NativeSocketAddress sender;
            if (_socket.TryReceivePacket(_buffer, out _, &sender) < 0) return false;
            if (_admit(sender) is not { } user) continue;
            item = new ReceivedDatagram(_buffer.Payload.ToArray(), sender, user);
            size = item.Payload.Length + Overhead;
            return true;
        }
    }
}
