using System.Collections.Concurrent;
using System.Security.Authentication;
using System.Security.Cryptography;
using IpcPs.Brokers;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace IpcPs.Nats.Connections;

/// <summary>A connection to a server, which all channels of this process to that server and user share. It is closed some seconds after
/// the last of them: a script that names an address again and again connects once.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "CloseUnused disposes the timer and the connection.")]
internal sealed class Server
{
    private static readonly Dictionary<ServerOptions, Server> Shared = [];
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);
    // A server that starts answers to nothing yet. One that has no JetStream never does.
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(3);
    private const int MaxAllowed = 1024;
    private const int RefusalMilliseconds = 20;

    private readonly ServerOptions _options;
    // What the server refused and when, and the subjects whose first message it did not refuse, on this connection.
    private readonly ConcurrentDictionary<(string Subject, bool Sends), long> _denied = [];
    private readonly ConcurrentDictionary<string, bool> _allowed = new(StringComparer.Ordinal);
    private readonly Timer _lingering;
    private int _users;

    private Server(ServerOptions options, NatsConnection connection)
    {
        (_options, Connection, JetStream) = (options, connection, new NatsJSContext(connection));
        _lingering = new Timer(static s => ((Server)s!).CloseUnused(), this, Timeout.Infinite, Timeout.Infinite);
        connection.ServerError += OnServerErrorAsync;
        connection.ConnectionOpened += OnOpenedAsync;
    }

    public NatsConnection Connection { get; }

    public NatsJSContext JetStream { get; }

    /// <summary>The servers, for messages.</summary>
    public string Shown => _options.Shown;

    public bool IsConnected => Connection.ConnectionState == NatsConnectionState.Open;

    /// <summary>The largest message in bytes; null before the first connection.</summary>
    public int? MaxPayload => Connection.ServerInfo?.MaxPayload;

    /// <summary>The connection was lost, and is there again.</summary>
    public event Action? Reopened;

    /// <summary>The server does not let this user send to a subject.</summary>
    public event Action<string>? Denied;

    /// <summary>The shared connection for an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.Timeout"/>.</exception>
    public static Server Acquire(IpcAddress address, BrokerLogin? login, in WaitOptions wait) =>
        Acquire(address, ServerOptions.Of(address, login), wait);

    /// <summary>The shared connection to this server, as this user. This one may have been closed.</summary>
    /// <inheritdoc cref="Acquire(IpcAddress, BrokerLogin?, in WaitOptions)"/>
    public Server Again(IpcAddress address, in WaitOptions wait) => Acquire(address, _options, wait);

    private static Server Acquire(IpcAddress address, ServerOptions options, in WaitOptions wait)
    {
        lock (Shared)
        {
            if (Shared.TryGetValue(options, out var shared))
            {
                shared._users++;
                return shared;
            }
        }
        // Not under the lock: another server may answer meanwhile.
        var server = Connect(options, address, wait);
        lock (Shared)
        {
            if (Shared.TryGetValue(options, out var shared))
            {
                shared._users++;
                _ = server.Connection.DisposeAsync().AsTask();
                return shared;
            }
            Shared[options] = server;
            server._users = 1;
            return server;
        }
    }

    /// <summary>One user less.</summary>
    public void Release()
    {
        lock (Shared)
        {
            if (--_users == 0) _lingering.Change(Linger, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A new prefix of subjects for answers. Not one of the client's own: of those it takes only subjects without a
    /// pattern.</summary>
    public string NewInbox() => $"{Connection.Opts.InboxPrefix}.{RandomNumberGenerator.GetHexString(22, lowercase: true)}";

    /// <summary>Throws if the server does not let this user send to, or receive from, a subject.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    public void ThrowIfDenied(string subject, bool sends, IpcAddress address)
    {
        if (_denied.ContainsKey((subject, sends))) throw DeniedError(subject, address);
    }

    /// <summary>Throws if the server refuses what was sent to a subject before its last answer. It does so by a message of its own, which
    /// another thread handles: it is waited for once on each connection.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>.</exception>
    public void ThrowIfRefused(string subject, IpcAddress address)
    {
        if (!_allowed.ContainsKey(subject) && !SpinWait.SpinUntil(() => _denied.ContainsKey((subject, true)), RefusalMilliseconds))
        {
            if (_allowed.Count >= MaxAllowed) _allowed.Clear();
            _allowed[subject] = true;
        }
        ThrowIfDenied(subject, sends: true, address);
    }

    /// <summary>The exception for a refused subject.</summary>
    public IpcException DeniedError(string subject, IpcAddress address) =>
        new(IpcErrors.AccessDenied, $"The server {Shown} does not let this user use the subject '{subject}', which '{address}' needs.",
            address.Text)
        { Advice = IpcAdvice.CheckCredential };

    /// <summary>Makes a call of JetStream's API, and makes it again where the connection was lost or the cluster has no leader.</summary>
    /// <param name="call">The call.</param>
    /// <param name="address">The object.</param>
    /// <param name="what">What is waited for, for the error.</param>
    /// <param name="wait">How long.</param>
    public T Call<T>(Func<NatsJSContext, CancellationToken, ValueTask<T>> call, IpcAddress address, string what, in WaitOptions wait)
    {
        var poll = new PollWithBackoff();
        var deadline = wait.Deadline.IsImmediate ? Deadline.After(TimeSpan.FromSeconds(5)) : wait.Deadline;
        var started = Deadline.After(StartTime);
        while (true)
        {
            wait.Cancellation.ThrowIfCancellationRequested();
            var since = Environment.TickCount64;
            Exception failure;
            try
            {
                // Blocks a thread of the caller, who has no other work: the commands are synchronous.
                return Blocking.Wait(token => call(JetStream, token), deadline, wait.Cancellation);
            }
            catch (NatsJSApiException e) when (!IsTemporary(e, started.HasPassed))
            {
                throw Errors.Of(e, address);
            }
            catch (NatsException e)
            {
                failure = e;
            }
            catch (Exception e) when (e is TimeoutException or OperationCanceledException && !wait.Cancellation.IsCancellationRequested)
            {
                failure = e;
            }
            // A call that was refused has no answer. Which subject it used is not known here.
            if (failure is not NatsJSApiException && DeniedCall(since) is { } denied) throw DeniedError(denied, address);
            if (failure is NatsNoRespondersException && IsConnected && started.HasPassed) throw NoJetStream(address);
            if (deadline.HasPassed) throw IpcException.TimedOut($"{what} from the server {Shown}", address.Text, deadline);
            Waiter.PollAny([], new(poll.Next(deadline), wait.Cancellation));
        }
    }

    private string? DeniedCall(long since) => _denied.FirstOrDefault(
        d => d.Key.Sends && d.Value >= since && d.Key.Subject.StartsWith("$JS.API.", StringComparison.Ordinal)).Key.Subject;

    // A server that has just started does not know the others of its cluster.
    private static bool IsTemporary(NatsJSApiException e, bool hasStarted) =>
        e.Error is { Code: 503, ErrCode: Errors.NoLeader or Errors.ClusterTemporary }
        || (e.Error.ErrCode == Errors.NoSuitablePeers && !hasStarted);

    private IpcException NoJetStream(IpcAddress address) =>
        new(IpcErrors.NotSupported, $"The server {Shown} has no JetStream, which keeps the messages of '{address}'.", address.Text,
            "Start nats-server with JetStream (--jetstream), or use a topic: '?type=topic'.");

    private static Server Connect(ServerOptions options, IpcAddress address, in WaitOptions wait)
    {
        var client = options.ToClient();
        // Without waiting: the connection is waited for all the same, as long as the client tries.
        var deadline = wait.Deadline.IsImmediate ? Deadline.Infinite : wait.Deadline;
        var poll = new PollWithBackoff();
        while (true)
        {
            var connection = new NatsConnection(client);
            try
            {
                Blocking.Wait(_ => connection.ConnectAsync(), deadline, wait.Cancellation);
                return new Server(options, connection);
            }
            catch (Exception e) when (e is not IpcException)
            {
                _ = connection.DisposeAsync().AsTask();
                if (e is OperationCanceledException && wait.Cancellation.IsCancellationRequested) throw;
                if (Refusal(e, options, address) is { } refusal) throw refusal;
                if (deadline.IsInfinite || deadline.HasPassed)
                {
                    var waited = deadline.IsInfinite ? "" : $" within {deadline.Describe()}";
                    throw new IpcException(IpcErrors.NoPeer, $"No NATS server answers at {options.Shown}{waited}.", address.Text, inner: e)
                    { Advice = IpcAdvice.WaitForBroker };
                }
                Waiter.PollAny([], new(poll.Next(deadline), wait.Cancellation));
            }
        }
    }

    // What another attempt would not change.
    private static IpcException? Refusal(Exception e, ServerOptions options, IpcAddress address)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is NatsServerException { IsAuthError: true })
            {
                var who = options.HasLogin ? "this user: the name, the password or the key is wrong" : "a client without a user";
                return new IpcException(IpcErrors.AccessDenied, $"The server {options.Shown} refuses {who}.", address.Text, inner: e)
                { Advice = IpcAdvice.CheckCredential };
            }
            // The client has no type of its own for it.
            if (inner is NatsException && inner.Message.Contains("does not support TLS", StringComparison.Ordinal))
            {
                return new IpcException(IpcErrors.AccessDenied,
                    $"The server {options.Shown} has no TLS: it would get what is sent to '{address}' unencrypted.", address.Text,
                    "Configure TLS on the server. Or use 'nats:', without a certificate, where the network is trusted.", e);
            }
            if (inner is AuthenticationException)
            {
                return new IpcException(IpcErrors.AccessDenied,
                    $"TLS with the server {options.Shown} failed: {inner.Message}", address.Text,
                    "Name the authority that signed the server's certificate (NATS_CA), and this client's certificate where the server "
                    + "wants one (NATS_CERT, NATS_KEY).", e);
            }
        }
        return null;
    }

    private ValueTask OnServerErrorAsync(object? sender, NatsServerErrorEventArgs error)
    {
        // Permissions Violation for Publish to "orders"; … for Subscription to "orders"
        if (error.Kind == NatsServerErrorKind.PermissionsViolation && error.Error.Split('"') is [var what, var subject, ..])
        {
            var sends = what.Contains("Publish", StringComparison.OrdinalIgnoreCase);
            _denied[(subject, sends)] = Environment.TickCount64;
            if (sends) Denied?.Invoke(subject);
        }
        return ValueTask.CompletedTask;
    }

    private ValueTask OnOpenedAsync(object? sender, NatsEventArgs args)
    {
        _denied.Clear();
        _allowed.Clear();
        Reopened?.Invoke();
        return ValueTask.CompletedTask;
    }

    private void CloseUnused()
    {
        lock (Shared)
        {
            if (_users > 0) return;
            if (Shared.TryGetValue(_options, out var shared) && shared == this) Shared.Remove(_options);
        }
        _lingering.Dispose();
        _ = Connection.DisposeAsync().AsTask();
    }
}
