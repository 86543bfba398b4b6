namespace IpcPs.Ssh;

/// <summary>A host that this process has connections to. The next job there uses one of them, and needs no login.</summary>
public sealed class SshHost
{
    /// <summary>How many sessions share a connection. sshd allows 10 (MaxSessions), one of which is the keeper's.</summary>
    private const int SessionsPerConnection = 8;

    /// <summary>How long a connection without sessions stays.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(1);

    private static readonly Dictionary<string, SshHost> Known = new(StringComparer.Ordinal);

    private readonly List<SshConnection> _connections = [];
    private bool _isConnecting;

    private SshHost(SshTarget target) => Target = target;

    /// <summary>The host, and how ssh logs in there.</summary>
    public SshTarget Target { get; }

    /// <summary>The host of a target. The same for the same target.</summary>
    public static SshHost Of(SshTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        lock (Known)
        {
            if (Known.Count == 0) AppDomain.CurrentDomain.ProcessExit += static (_, _) => CloseAll();
            if (!Known.TryGetValue(target.Key, out var host)) Known.Add(target.Key, host = new SshHost(target));
            return host;
        }
    }

    /// <summary>Makes as many connections as some more sessions need.</summary>
    /// <param name="sessions">The number of sessions.</param>
    /// <param name="module">What the host must have a copy of.</param>
    /// <param name="wait">How long it may take.</param>
    /// <exception cref="IpcException">As <see cref="SshConnection.Open"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Connect(int sessions, ModuleArchive module, in WaitOptions wait)
    {
        BeginConnecting(wait);
        try
        {
            while (!HasPlacesFor(sessions))
            {
                var opened = SshConnection.Open(Target, module, wait);
                lock (Known) _connections.Add(opened);
            }
        }
        finally
        {
            lock (Known)
            {
                _isConnecting = false;
                Monitor.PulseAll(Known);
            }
        }
    }

    /// <summary>Takes a place for a session on a connection. Where all connections are full, it makes another one.</summary>
    /// <param name="module">What the host must have a copy of.</param>
    /// <param name="wait">How long another connection may take.</param>
    /// <returns>Null if there is no connection any more.</returns>
    /// <exception cref="IpcException">As <see cref="SshConnection.Open"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public SshConnection? TakeSession(ModuleArchive module, in WaitOptions wait)
    {
        while (true)
        {
            lock (Known)
            {
                var living = _connections.Where(static c => c.Loss is null).ToArray();
                if (living.Length == 0) return null;
                var free = living.MinBy(static c => c.Sessions)!;
                if (free.Sessions < SessionsPerConnection)
                {
                    free.Sessions++;
                    return free;
                }
            }
            Connect(1, module, wait);
        }
    }

    /// <summary>Why there is no connection any more.</summary>
    public IpcException Loss()
    {
        lock (Known) return _connections.Select(static c => c.Loss).LastOrDefault(static l => l is not null) ?? SshErrors.Lost(Target, []);
    }

    /// <summary>A session has ended.</summary>
    public void Return(SshConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        lock (Known)
        {
            connection.IdleSince = Environment.TickCount64;
            if (--connection.Sessions > 0 || connection.Loss is null) return;
            _connections.Remove(connection);
        }
        connection.Dispose();
    }

    /// <summary>The connection whose socket a connection string of the transport Unix leads to, and the name of the socket; null if it
    /// leads to none.</summary>
    internal static (SshConnection Connection, string Name)? Find(string connectionString)
    {
        lock (Known)
        {
            foreach (var connection in Known.Values.SelectMany(static h => h._connections))
            {
                var prefix = "unix:" + connection.NearPath("");
                if (connectionString.StartsWith(prefix, StringComparison.Ordinal))
                    return (connection, connectionString[prefix.Length..connectionString.IndexOf(' ')]);
            }
        }
        return null;
    }

    /// <summary>Closes a connection without sessions that was lost, or that was not used for some time.</summary>
    internal static void CloseIdle(SshConnection connection)
    {
        lock (Known)
        {
            var isUnused = Environment.TickCount64 - connection.IdleSince >= IdleTime.TotalMilliseconds;
            if (connection.Sessions > 0 || !(isUnused || connection.Loss is not null)) return;
            var host = Known.Values.FirstOrDefault(h => h._connections.Remove(connection));
            if (host is null) return;
        }
        // Not on the connection's own thread, which calls this.
        ThreadPool.QueueUserWorkItem(static c => ((SshConnection)c!).Dispose(), connection);
    }

    private static void Wake()
    {
        lock (Known) Monitor.PulseAll(Known);
    }

    private static void CloseAll()
    {
        SshConnection[] all;
        lock (Known) all = [.. Known.Values.SelectMany(static h => h._connections)];
        Parallel.ForEach(all, static c => c.Dispose());
    }

    /// <summary>One thread at a time connects: the next one may find what it needs.</summary>
    private void BeginConnecting(in WaitOptions wait)
    {
        using var wake = wait.Cancellation.Register(Wake);
        lock (Known)
        {
            while (_isConnecting)
            {
                wait.Cancellation.ThrowIfCancellationRequested();
                if (wait.Deadline.HasPassed) throw IpcException.TimedOut($"a connection to '{Target}'", Target.HostName, wait.Deadline);
                Monitor.Wait(Known, wait.Deadline.IsInfinite ? Timeout.InfiniteTimeSpan : wait.Deadline.Remaining);
            }
            _isConnecting = true;
        }
    }

    private bool HasPlacesFor(int sessions)
    {
        lock (Known)
        {
            var places = _connections.Where(static c => c.Loss is null).Sum(static c => Math.Max(0, SessionsPerConnection - c.Sessions));
            if (places < sessions) return false;
            // So that none is closed as idle before the sessions start.
            foreach (var connection in _connections) connection.IdleSince = Environment.TickCount64;
            return true;
        }
    }
}
