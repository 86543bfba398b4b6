using IpcPs.Brokers;
using IpcPs.Nats.Connections;
using IpcPs.Readiness;
using NATS.Client.Core;

namespace IpcPs.Nats;

/// <summary>A topic of a NATS server: each message goes to every receiver that is subscribed when it is sent, and to no other. The server
/// keeps nothing.</summary>
public sealed class NatsTopic : NatsChannel
{
    // How many messages wait for this receiver in this process. More are dropped, and counted.
    private const int MaxPending = 65_536;

    private readonly object _opening = new();
    private INatsSub<byte[]>? _subscription;
    private long _lost;
    private bool _hasUnsent;

    private NatsTopic(IpcAddress address, Server server, IpcAccess access) : base(address, server, access, ownsServer: true) =>
        server.Connection.MessageDropped += OnDroppedAsync;

    /// <inheritdoc/>
    public override string Kind => "NATS topic";

    /// <summary>The subject.</summary>
    public string Subject => Address.Name!;

    internal bool HasMessage => Subscription().Msgs.Count > 0;

    private bool IsPattern => Subject.AsSpan().IndexOfAny('*', '>') >= 0;

    internal static NatsTopic Open(IpcAddress address, IpcAccess access, bool forOneCall, BrokerLogin? login, in WaitOptions wait)
    {
        var topic = new NatsTopic(address, Server.Acquire(address, login, wait), access);
        try
        {
            // A request does not receive from the topic itself.
            if (topic.CanReceive && !(forOneCall && topic.CanSend)) topic.Subscribe();
            return topic;
        }
        catch
        {
            topic.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        Enqueue(payload, options, wait);
        Flush(wait);
    }

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        CheckSend(payload, options);
        CheckSubject();
        Server.ThrowIfDenied(Subject, sends: true, Address);
        TopicSending.Publish(this, Subject, payload, options, wait);
        _hasUnsent = true;
    }

    /// <summary>Waits until the server has every message that was sent. Whether a receiver has it is not known.</summary>
    public override void Flush(in WaitOptions wait = default)
    {
        if (!_hasUnsent) return;
        TopicSending.Flush(this, wait);
        _hasUnsent = false;
        Server.ThrowIfRefused(Subject, Address);
    }

    /// <inheritdoc/>
    public override void Request(ReadOnlySpan<byte> payload, MessageBuffer reply, in SendOptions options = default,
        in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(reply);
        CheckSend(payload, options);
        CheckSubject();
        reply.Clear();
        var data = payload.ToArray();
        var headers = Headers.Of(options with { Framed = true }, id: null);
        var limit = wait.Deadline.IsInfinite ? Timeout.InfiniteTimeSpan : wait.Deadline.Remaining;
        NatsMsg<byte[]> answer;
        try
        {
            answer = Blocking.Wait(token => Server.Connection.RequestAsync(Subject, data, headers,
                NatsRawSerializer<byte[]>.Default, NatsRawSerializer<byte[]>.Default,
                replyOpts: new NatsSubOpts { Timeout = limit }, cancellationToken: token), wait.Deadline, wait.Cancellation);
        }
        catch (NatsNoRespondersException e)
        {
            throw new IpcException(IpcErrors.NoPeer, $"No program receives requests on '{Address}'.", Address.Text, inner: e)
            { Advice = IpcAdvice.WaitForServer };
        }
        catch (Exception e) when (e is TimeoutException or NatsNoReplyException)
        {
            Server.ThrowIfDenied(Subject, sends: true, Address);
            throw IpcException.TimedOut($"the reply to a request on '{Address}'", Address.Text, wait.Deadline);
        }
        Fill(reply, answer);
    }

    /// <inheritdoc/>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        RequireReceive();
        return new TopicWatch(this);
    }

    internal void UntilMessage(CancellationToken cancellation) =>
        Subscription().Msgs.WaitToReadAsync(cancellation).AsTask().GetAwaiter().GetResult();

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        message.Clear();
        if (options.Type is not null || options.ExceptType || options.Peek)
        {
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has no message types, and can't be looked into.",
                Address.Text)
            { Advice = IpcAdvice.UseQueue };
        }
        var messages = Subscription().Msgs;
        NatsMsg<byte[]> received;
        while (!messages.TryRead(out received))
        {
            Server.ThrowIfDenied(Subject, sends: false, Address);
            if (wait.Deadline.HasPassed)
                throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
            WaitFor(messages.WaitToReadAsync(CancellationToken.None).AsTask(), wait);
        }
        Fill(message, received);
        message.Lost = Interlocked.Exchange(ref _lost, 0);
        if (received.ReplyTo is { } replyTo) message.ReplyChannel = new NatsReply(this, replyTo);
        return true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Server.Connection.MessageDropped -= OnDroppedAsync;
            if (_subscription is not null) _ = _subscription.UnsubscribeAsync().AsTask();
        }
        base.Dispose(disposing);
    }

    private static void Fill(MessageBuffer message, in NatsMsg<byte[]> received)
    {
        var data = received.Data ?? [];
        message.Swap(data, data.Length);
        Headers.Describe(received.Headers, message);
        // A reply is matched by its subject. The number is of a request on another transport.
        message.CorrelationId = 0;
        message.IsReply = false;
    }

    private void CheckSubject()
    {
        if (!IsPattern) return;
        throw new IpcException(IpcErrors.NotSupported, $"'{Address}' is a pattern: it can only be received from.", Address.Text);
    }

    // In short waits: that the server refuses the subscription is not an event of it.
    private void WaitFor(Task<bool> arriving, in WaitOptions wait)
    {
        var limit = TimeSpan.FromMilliseconds(250);
        if (!wait.Deadline.IsInfinite && wait.Deadline.Remaining < limit) limit = wait.Deadline.Remaining;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(wait.Cancellation, Closing);
        try
        {
            if (arriving.WaitAsync(limit, ending.Token).GetAwaiter().GetResult()) return;
            throw WasClosed();
        }
        catch (TimeoutException)
        {
            // The caller looks again.
        }
        catch (OperationCanceledException) when (!wait.Cancellation.IsCancellationRequested)
        {
            throw WasClosed();
        }
    }

    private INatsSub<byte[]> Subscription()
    {
        lock (_opening)
        {
            ThrowIfClosed();
            if (_subscription is null) Subscribe();
            return _subscription!;
        }
    }

    private void Subscribe()
    {
        _subscription = Blocking.Wait(token => Server.Connection.SubscribeCoreAsync(Subject,
            serializer: NatsRawSerializer<byte[]>.Default,
            opts: new NatsSubOpts { ChannelOpts = new NatsSubChannelOpts { Capacity = MaxPending } }, cancellationToken: token),
            Deadline.Infinite, default);
        // When it answers, it has the subscription: what is sent from now on is received.
        TopicSending.Flush(this, Deadline.After(TimeSpan.FromSeconds(5)));
    }

    private ValueTask OnDroppedAsync(object? sender, NatsMessageDroppedEventArgs args)
    {
        if (ReferenceEquals(args.Subscription, _subscription)) Interlocked.Increment(ref _lost);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Where the sender of a request waits for its reply.</summary>
internal sealed class NatsReply : NatsChannel
{
    private readonly string _subject;

    public NatsReply(NatsTopic topic, string subject) : base(topic.Address, topic.Server, IpcAccess.Write, ownsServer: false) =>
        _subject = subject;

    public override string Kind => "reply to a request of NATS";

    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        Enqueue(payload, options, wait);
        Flush(wait);
    }

    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        CheckSend(payload, options);
        TopicSending.Publish(this, _subject, payload, options, wait);
    }

    public override void Flush(in WaitOptions wait = default) => TopicSending.Flush(this, wait);

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait) =>
        throw new InvalidOperationException();
}
