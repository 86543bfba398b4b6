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
    private static readonly TimeSpan NoJetStreamAfter = TimeSpan.FromSeconds(3);

    private readonly ServerOptions _options;
    private readonly ConcurrentDictionary<string, string> _denied = new(StringComparer.Ordinal);
    private readonly Timer _lingering;
    private int _users;
    private bool _isBroken;

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

    /// <summary>The server refused a subject to this user.</summary>
    public event Action<string>? Denied;

    /// <summary>The shared connection for an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.Timeout"/>.</exception>
    public static Server Acquire(IpcAddress address, BrokerLogin? login, in WaitOptions wait)
    {
        var options = ServerOptions.Of(address, login);
        lock (Shared)
        {
            if (Shared.TryGetValue(options, out var shared) && !shared._isBroken)
            {
                shared._users++;
                return shared;
            }
        }
        // Not under the lock: another server may answer meanwhile.
        var server = Connect(options, address, wait);
        lock (Shared)
        {
            if (Shared.TryGetValue(options, out var shared) && !shared._isBroken)
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

    /// <summary>The servers that this process is connected to.</summary>
    public static IReadOnlyList<Server> Open()
    {
        lock (Shared) return [.. Shared.Values.Where(static s => s._users > 0)];
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

    /// <summary>Whether the server has refused that subject on this connection.</summary>
    public bool IsDenied(string subject) => _denied.ContainsKey(subject);

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
        var noAnswerAt = Deadline.After(NoJetStreamAfter);
        while (true)
        {
            wait.Cancellation.ThrowIfCancellationRequested();
            Exception failure;
            try
            {
                // Blocks a thread of the caller, who has no other work: the commands are synchronous.
                return Blocking.Wait(token => call(JetStream, token), deadline, wait.Cancellation);
            }
            catch (NatsJSApiException e) when (!IsTemporary(e))
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
            if (_denied.Keys.FirstOrDefault(static s => s.StartsWith("$JS.API.", StringComparison.Ordinal)) is { } denied)
                throw DeniedError(denied, address);
            if (failure is NatsNoRespondersException && IsConnected && noAnswerAt.HasPassed) throw NoJetStream(address);
            if (deadline.HasPassed) throw IpcException.TimedOut($"{what} from the server {Shown}", address.Text, deadline);
            Waiter.PollAny([], new(poll.Next(deadline), wait.Cancellation));
        }
    }

    private static bool IsTemporary(NatsJSApiException e) => e.Error is { Code: 503, ErrCode: Errors.NoLeader or Errors.ClusterTemporary };

    private IpcException NoJetStream(IpcAddress address) =>
        new(IpcErrors.NotSupported, $"The server {Shown} has no JetStream, which keeps the messages of '{address}'.", address.Text,
            "Start nats-server with JetStream (--jetstream), or use a topic: '?type=topic'.");

    private static Server Connect(ServerOptions options, IpcAddress address, in WaitOptions wait)
    {
        var client = options.ToClient();
        var poll = new PollWithBackoff();
        while (true)
        {
            var connection = new NatsConnection(client);
            try
            {
                Blocking.Wait(async _ =>
                {
                    await connection.ConnectAsync().ConfigureAwait(false);
                    return true;
                }, Deadline.Infinite, wait.Cancellation);
                return new Server(options, connection);
            }
            catch (Exception e) when (e is not IpcException)
            {
                _ = connection.DisposeAsync().AsTask();
                if (e is OperationCanceledException && wait.Cancellation.IsCancellationRequested) throw;
                if (Refusal(e, options, address) is { } refusal) throw refusal;
                if (wait.Deadline.IsInfinite || wait.Deadline.IsImmediate || wait.Deadline.HasPassed)
                {
                    var waited = wait.Deadline.IsInfinite || wait.Deadline.IsImmediate ? "" : $" within {wait.Deadline.Describe()}";
                    throw new IpcException(IpcErrors.NoPeer, $"No NATS server answers at {options.Shown}{waited}.", address.Text, inner: e)
                    { Advice = IpcAdvice.WaitForBroker };
                }
                Waiter.PollAny([], new(poll.Next(wait.Deadline), wait.Cancellation));
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
        // Permissions Violation for Publish to "orders"
        if (error.Kind == NatsServerErrorKind.PermissionsViolation && error.Error.Split('"') is [_, var subject, ..])
        {
            _denied[subject] = error.Error;
            Denied?.Invoke(subject);
        }
        return ValueTask.CompletedTask;
    }

    private ValueTask OnOpenedAsync(object? sender, NatsEventArgs args)
    {
        _denied.Clear();
        Reopened?.Invoke();
        return ValueTask.CompletedTask;
    }

    private void CloseUnused()
    {
        lock (Shared)
        {
            if (_users > 0) return;
            _isBroken = true;
            if (Shared.TryGetValue(_options, out var shared) && shared == this) Shared.Remove(_options);
        }
        _lingering.Dispose();
        _ = Connection.DisposeAsync().AsTask();
    }
}
