using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Server;

/// <summary>A listener's clients: one epoll(7) wait for all of them, and whose turn it is. Clients that have something take turns of up to 16
/// messages, so that one that never stops sending holds up nobody.</summary>
/// <remarks>Receiving calls come from one thread at a time; adding and removing may come from any.</remarks>
internal sealed unsafe class ClientPoller : IDisposable
{
    private const int Turn = 16;
    private const int EventsAtOnce = 64;
    private const ulong SourceSlot = ulong.MaxValue;

    private readonly object _guard = new();
    private readonly SafeDescriptor _epoll;
    private readonly IpcAddress _address;
    private readonly SafeDescriptor _source;
    private readonly List<AcceptedClient?> _clients = [];
    private readonly Stack<int> _free = new();
    private readonly Queue<AcceptedClient> _ready = new();
    private readonly byte[] _events = new byte[EventsAtOnce * Libc.EpollEventSize];
    private AcceptedClient? _current;
    private int _turnLeft;
    private bool _sourceReady;
    private bool _sourceOff;
    private AdaptiveWait _spin = AdaptiveWait.InConversations;

    public ClientPoller(SafeDescriptor source, IpcAddress address)
    {
        var fd = Libc.epoll_create1(Libc.O_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("epoll_create1", Marshal.GetLastPInvokeError(), address.Text);
        _epoll = new SafeDescriptor(fd);
        _address = address;
        _source = source;
        Control(Libc.EPOLL_CTL_ADD, source, Libc.EPOLLIN, SourceSlot);
    }

    /// <summary>What becomes readable when a client or the source has something.</summary>
    public SafeDescriptor Descriptor => _epoll;

    public int Count
    {
        get
        {
            lock (_guard) return _clients.Count - _free.Count;
        }
    }

    /// <summary>Whether the source had something; asking forgets it.</summary>
    public bool TakeSourceReady()
    {
        var ready = _sourceReady;
        _sourceReady = false;
        return ready;
    }

    /// <summary>Whether connections wait for a time when they can be accepted.</summary>
    public bool IsSourceOff => _sourceOff;

    /// <summary>Looks, or does not look, for connections.</summary>
    public void LookAtSource(bool look)
    {
        if (_sourceOff == !look) return;
        _sourceOff = !look;
        Control(Libc.EPOLL_CTL_MOD, _source, look ? Libc.EPOLLIN : 0, SourceSlot);
    }

    public void Add(AcceptedClient client)
    {
        lock (_guard)
        {
            if (!_free.TryPop(out var slot))
            {
                slot = _clients.Count;
                _clients.Add(null);
            }
            _clients[slot] = client;
            client.Slot = slot;
            Control(Libc.EPOLL_CTL_ADD, client.Connection.Socket.Descriptor, Libc.EPOLLIN, (ulong)slot);
        }
    }

    /// <summary>Takes a client out; once.</summary>
    public bool Remove(AcceptedClient client)
    {
        lock (_guard)
        {
            if (client.Slot < 0) return false;
            _clients[client.Slot] = null;
            _free.Push(client.Slot);
            client.Slot = -1;
            var socket = client.Connection.Socket.Descriptor;
            if (!_epoll.IsClosed && !socket.IsClosed) _ = Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, socket, null);
            return true;
        }
    }

    /// <summary>All clients, taken out.</summary>
    public List<AcceptedClient> RemoveAll()
    {
        lock (_guard)
        {
            List<AcceptedClient> all = [.. _clients.OfType<AcceptedClient>()];
            foreach (var client in all) client.Slot = -1;
            _clients.Clear();
            _free.Clear();
            return all;
        }
    }

    /// <summary>The client whose turn it is; null where all had theirs.</summary>
    public AcceptedClient? Next()
    {
        if (_current is { Slot: >= 0 })
        {
            if (_turnLeft-- > 0) return _current;
            // Its turn is over. Others that have something by now come before it.
            var again = _current;
            _current = null;
            again.IsQueued = true;
            Look();
            _ready.Enqueue(again);
        }
        while (_ready.TryDequeue(out var next))
        {
            next.IsQueued = false;
            // One that was taken out meanwhile is somebody else's.
            if (next.Slot < 0) continue;
            _turnLeft = Turn - 1;
            return _current = next;
        }
        return _current = null;
    }

    /// <summary>The client has no more for now; what comes later wakes the wait.</summary>
    public void EndTurn() => _current = null;

    /// <summary>Waits until a client or the source has something.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Wait(in WaitOptions wait, CancellationToken closing)
    {
        var attempt = new WaitAttempt(this);
        return Waiter.Until(ref attempt, _epoll, ref _spin, wait, closing);
    }

    public void Dispose() => _epoll.Dispose();

    private bool Look()
    {
        int count;
        fixed (byte* events = _events) count = Libc.epoll_wait(_epoll, events, EventsAtOnce, 0);
        for (var i = 0; i < count; i++)
        {
            var slot = BitConverter.ToUInt64(_events, i * Libc.EpollEventSize + Libc.EpollDataOffset);
            if (slot == SourceSlot)
            {
                _sourceReady = true;
                continue;
            }
            AcceptedClient? client;
            lock (_guard) client = slot < (ulong)_clients.Count ? _clients[(int)slot] : null;
            if (client is null || client.IsQueued || client == _current) continue;
            client.IsQueued = true;
            _ready.Enqueue(client);
        }
        return count > 0;
    }

    private void Control(int operation, SafeDescriptor descriptor, uint events, ulong data)
    {
        var bytes = stackalloc byte[16];
        *(uint*)bytes = events;
        *(ulong*)(bytes + Libc.EpollDataOffset) = data;
        if (Libc.epoll_ctl(_epoll, operation, descriptor, bytes) != 0) throw IpcException.FromErrno("epoll_ctl", Marshal.GetLastPInvokeError(), _address.Text);
    }

    private readonly struct WaitAttempt(ClientPoller set) : IAttempt
    {
        public bool TryOnce() => set.Look();
    }
}
