using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Server;

/// <summary>A listener's clients: one epoll(7) wait for all of them, and the order of their turns. A client's turn is up to 16 messages, so
/// that one that never stops sending does not delay the others.</summary>
/// <remarks>One thread at a time receives. Any thread may add and remove.</remarks>
internal sealed unsafe class ClientPoller : IDisposable
{
    private const int MessagesPerTurn = 16;
    private const int EventsAtOnce = 64;
    private const ulong AcceptorSlot = ulong.MaxValue;

    private readonly object _lock = new();
    private readonly SafeDescriptor _epoll;
    private readonly IpcAddress _address;
    private readonly SafeDescriptor _acceptor;
    private readonly List<AcceptedClient?> _clients = [];
    private readonly Stack<int> _free = new();
    private readonly Queue<AcceptedClient> _ready = new();
    private readonly byte[] _events = new byte[EventsAtOnce * Libc.EpollEventSize];
    private AcceptedClient? _current;
    private int _turnLeft;
    private bool _acceptorIsReady;
    private bool _acceptorIsPolled = true;
    private AdaptiveWait _wait = AdaptiveWait.InConversations;

    /// <param name="acceptor">The descriptor that is readable when a connection can be accepted.</param>
    /// <param name="address">For errors.</param>
    public ClientPoller(SafeDescriptor acceptor, IpcAddress address)
    {
        var fd = Libc.epoll_create1(Libc.O_CLOEXEC);
        if (fd < 0) throw IpcException.FromErrno("epoll_create1", Marshal.GetLastPInvokeError(), address.Text);
        _epoll = new SafeDescriptor(fd);
        _address = address;
        _acceptor = acceptor;
        Control(Libc.EPOLL_CTL_ADD, acceptor, Libc.EPOLLIN, AcceptorSlot);
    }

    /// <summary>Readable when a client or the acceptor is ready.</summary>
    public SafeDescriptor Descriptor => _epoll;

    public int Count
    {
        get
        {
            lock (_lock) return _clients.Count - _free.Count;
        }
    }

    /// <summary>Whether the acceptor was ready since the last call.</summary>
    public bool TakeAcceptorReady()
    {
        var ready = _acceptorIsReady;
        _acceptorIsReady = false;
        return ready;
    }

    /// <summary>Polls, or does not poll, for connections.</summary>
    public void PollAcceptor(bool poll)
    {
        if (_acceptorIsPolled == poll) return;
        _acceptorIsPolled = poll;
        Control(Libc.EPOLL_CTL_MOD, _acceptor, poll ? Libc.EPOLLIN : 0, AcceptorSlot);
    }

    public void Add(AcceptedClient client)
    {
        lock (_lock)
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

    /// <summary>From now on a client is ready only when it has closed its connection, and not when it has sent something.</summary>
    public void WatchForClose(AcceptedClient client)
    {
        lock (_lock)
        {
            if (client.Slot >= 0) Control(Libc.EPOLL_CTL_MOD, client.Connection.Socket.Descriptor, 0, (ulong)client.Slot);
        }
    }

    /// <summary>Removes a client, unless it was removed before.</summary>
    public void Remove(AcceptedClient client)
    {
        lock (_lock)
        {
            if (client.Slot < 0) return;
            _clients[client.Slot] = null;
            _free.Push(client.Slot);
            client.Slot = -1;
            var socket = client.Connection.Socket.Descriptor;
            if (!_epoll.IsClosed && !socket.IsClosed) _ = Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, socket, null);
        }
    }

    /// <summary>Removes all clients and returns them.</summary>
    public List<AcceptedClient> RemoveAll()
    {
        lock (_lock)
        {
            List<AcceptedClient> all = [.. _clients.OfType<AcceptedClient>()];
            foreach (var client in all) client.Slot = -1;
            _clients.Clear();
            _free.Clear();
            return all;
        }
    }

    /// <summary>The client whose turn it is; null when no client is ready.</summary>
    public AcceptedClient? Next()
    {
        if (_current is { Slot: >= 0 })
        {
            if (_turnLeft-- > 0) return _current;
            // Its turn is over. Clients that are ready by now come before it.
            var again = _current;
            _current = null;
            again.IsQueued = true;
            FindReady();
            _ready.Enqueue(again);
        }
        while (_ready.TryDequeue(out var next))
        {
            next.IsQueued = false;
            // It was removed while it waited for its turn.
            if (next.Slot < 0) continue;
            _turnLeft = MessagesPerTurn - 1;
            return _current = next;
        }
        return _current = null;
    }

    /// <summary>The current client has no more messages for now.</summary>
    public void EndTurn() => _current = null;

    /// <summary>Waits until a client or the acceptor is ready.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool Wait(in WaitOptions wait, CancellationToken closing)
    {
        var attempt = new WaitAttempt(this);
        return Waiter.Until(ref attempt, _epoll, ref _wait, wait, closing);
    }

    public void Dispose() => _epoll.Dispose();

    private bool FindReady()
    {
        int count;
        fixed (byte* events = _events) count = Libc.epoll_wait(_epoll, events, EventsAtOnce, 0);
        for (var i = 0; i < count; i++)
        {
            var slot = BitConverter.ToUInt64(_events, i * Libc.EpollEventSize + Libc.EpollDataOffset);
            if (slot == AcceptorSlot)
            {
                _acceptorIsReady = true;
                continue;
            }
            AcceptedClient? client;
            lock (_lock) client = slot < (ulong)_clients.Count ? _clients[(int)slot] : null;
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
        if (Libc.epoll_ctl(_epoll, operation, descriptor, bytes) != 0)
            throw IpcException.FromErrno("epoll_ctl", Marshal.GetLastPInvokeError(), _address.Text);
    }

    private readonly struct WaitAttempt(ClientPoller poller) : IAttempt
    {
        public bool TryOnce() => poller.FindReady();
    }
}
