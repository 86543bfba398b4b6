using System.Text;
using IpcPs.Brokers;
using IpcPs.Nats.Connections;
using IpcPs.Readiness;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace IpcPs.Nats;

/// <summary>A work queue of a NATS server: a stream of JetStream. The server keeps each message until a receiver has acknowledged
/// it.</summary>
/// <remarks>A message is sent when the server has confirmed that it is stored, by most of its replicas where it has several. A message that
/// was received and not acknowledged is given to another receiver: at once if it was returned or its channel was closed, and after
/// <see cref="AckWait"/> if its receiver died. So a message is received at least once; <see cref="MessageBuffer.DeliveryCount"/> tells
/// whether it may have been received before.</remarks>
public sealed class NatsQueue : NatsChannel, IBrokerQueue
{
    internal const string ConsumerName = "ipcps";
    private static readonly TimeSpan DefaultAckWait = TimeSpan.FromSeconds(30);

    private readonly object _opening = new();
    private StreamConfig _config;
    private ConfirmedSender? _sender;
    private Puller? _puller;
    private string? _consumer;

    private NatsQueue(IpcAddress address, Server server, IpcAccess access, StreamConfig config)
        : base(address, server, access, ownsServer: true) => _config = config;

    /// <inheritdoc/>
    public override string Kind => "NATS queue";

    /// <summary>The subject that its messages are sent to: what a client in another language publishes to.</summary>
    public string Subject => _config.Subjects?.FirstOrDefault() ?? Address.Name!;

    /// <inheritdoc/>
    public long CurrentMessages => State().Messages;

    /// <inheritdoc/>
    public long CurrentBytes => State().Bytes;

    /// <summary>How many servers keep each message.</summary>
    public int Replicas => _config.NumReplicas;

    /// <summary>How long a message is kept; null for no limit.</summary>
    public TimeSpan? MaxAge => _config.MaxAge > TimeSpan.Zero ? _config.MaxAge : null;

    /// <summary>How many bytes it holds; null for no limit.</summary>
    public long? MaxBytes => _config.MaxBytes > 0 ? _config.MaxBytes : null;

    /// <summary>How many messages it holds; null for no limit.</summary>
    public long? MaxMessages => _config.MaxMsgs > 0 ? _config.MaxMsgs : null;

    /// <summary>What it does when it is full.</summary>
    public BrokerDiscard Discard => _config.Discard == StreamConfigDiscard.New ? BrokerDiscard.New : BrokerDiscard.Old;

    /// <summary>Where the messages are.</summary>
    public BrokerStorage Storage => _config.Storage == StreamConfigStorage.Memory ? BrokerStorage.Memory : BrokerStorage.File;

    /// <summary>How long the server remembers the ids of messages, to drop what was sent twice.</summary>
    public TimeSpan DuplicateWindow => _config.DuplicateWindow;

    /// <summary>How long the server waits for an acknowledgement.</summary>
    public TimeSpan AckWait { get; private set; } = DefaultAckWait;

    /// <summary>The largest message in bytes: the server's max_payload, or the queue's own limit.</summary>
    public override long MaxMessageSize =>
        _config.MaxMsgSize > 0 ? Math.Min(_config.MaxMsgSize, base.MaxMessageSize) : base.MaxMessageSize;

    internal static NatsQueue Open(IpcAddress address, IpcAccess access, BrokerLogin? login, in WaitOptions wait)
    {
        var server = Server.Acquire(address, login, wait);
        try
        {
            var stream = server.Call((js, token) => js.GetStreamAsync(address.Name!, cancellationToken: token), address,
                $"the queue '{address}'", wait);
            return new NatsQueue(address, server, access, stream.Info.Config);
        }
        catch
        {
            server.Release();
            throw;
        }
    }

    internal static NatsQueue Create(
        IpcAddress address, BrokerQueueOptions options, BrokerLogin? login, bool useExisting, in WaitOptions wait)
    {
        var server = Server.Acquire(address, login, wait);
        try
        {
            if (!useExisting && Exists(server, address, wait))
            {
                throw new IpcException(IpcErrors.AlreadyExists, $"A queue '{address}' exists already.", address.Text)
                { Advice = IpcAdvice.OpenOrRemove };
            }
            var config = Config(address.Name!, options);
            // Creating what exists already, and is the same, is no error to the server.
            var stream = server.Call((js, token) => js.CreateStreamAsync(config, token), address, $"the queue '{address}'", wait);
            var queue = new NatsQueue(address, server, IpcAccess.Default, stream.Info.Config);
            queue.RequireConsumer(options.AckWait ?? DefaultAckWait, wait);
            return queue;
        }
        catch
        {
            server.Release();
            throw;
        }
    }

    internal static bool Exists(Server server, IpcAddress address, in WaitOptions wait)
    {
        try
        {
            server.Call((js, token) => js.GetStreamAsync(address.Name!, cancellationToken: token), address, $"the queue '{address}'", wait);
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        CheckSend(payload, options);
        Sender().Send(payload, options, wait, waits: true);
    }

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default)
    {
        CheckSend(payload, options);
        Sender().Send(payload, options, wait, waits: false);
    }

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default) => _sender?.Flush(wait);

    /// <inheritdoc/>
    public override void ReturnAhead() => _puller?.ReturnAhead();

    /// <inheritdoc/>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        RequireReceive();
        return new QueueWatch(this);
    }

    /// <summary>Whether a receive would find a message now.</summary>
    internal bool HasMessage()
    {
        if (!Server.IsConnected) return false;
        try
        {
            var puller = Receiver(default);
            if (puller.HasReady) return true;
            var info = ConsumerState();
            if (info.NumPending > 0) return true;
            // One that was returned counts as pending an acknowledgement. Only a receive can tell it from one that another receiver has.
            if (info.NumAckPending == 0 || !puller.TryReceive(0, out _, out var number, out _, Deadline.Immediate, Closing)) return false;
            puller.Return(number);
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.NoPeer || e.Id == IpcErrors.Timeout)
        {
            // The server does not answer now: it is waited for, like a message.
            return false;
        }
    }

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        message.Clear();
        if (options.Type is not null || options.ExceptType)
        {
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has no message types.", Address.Text)
            { Advice = IpcAdvice.UseSysVQueue };
        }
        if (options.Peek)
        {
            Peek(message, wait);
            return true;
        }
        var puller = Receiver(wait);
        if (!puller.TryReceive(options.Ahead, out var received, out var number, out var delivered, wait, Closing))
            throw NoMessage(wait);
        var data = received.Data ?? [];
        message.Swap(data, data.Length);
        Headers.Describe(received.Headers, message);
        message.DeliveryCount = delivered;
        message.Receipt = new MessageReceipt(puller, number);
        return true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_opening)
            {
                _sender?.Dispose();
                _puller?.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private static StreamConfig Config(string name, BrokerQueueOptions options) => new(name, [name])
    {
        Retention = StreamConfigRetention.Workqueue,
        NumReplicas = options.Replicas ?? 1,
        MaxAge = options.MaxAge ?? TimeSpan.Zero,
        MaxBytes = options.MaxBytes ?? -1,
        MaxMsgs = options.MaxMessages ?? -1,
        MaxMsgSize = options.MaxMessageSize ?? -1,
        Discard = options.Discard == BrokerDiscard.New ? StreamConfigDiscard.New : StreamConfigDiscard.Old,
        Storage = options.Storage == BrokerStorage.Memory ? StreamConfigStorage.Memory : StreamConfigStorage.File,
        DuplicateWindow = options.DuplicateWindow ?? TimeSpan.FromMinutes(2),
    };

    private IpcException NoMessage(in WaitOptions wait) =>
        IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);

    private StreamState State()
    {
        ThrowIfClosed();
        var stream = Server.Call((js, token) => js.GetStreamAsync(Address.Name!, cancellationToken: token), Address,
            $"the state of '{Address}'", default);
        _config = stream.Info.Config;
        return stream.Info.State;
    }

    private ConsumerInfo ConsumerState() => Server.Call((js, token) => js.GetConsumerAsync(Address.Name!, _consumer!, token), Address,
        $"the state of '{Address}'", Deadline.After(TimeSpan.FromSeconds(5))).Info;

    private ConfirmedSender Sender()
    {
        if (_sender is { } sender) return sender;
        lock (_opening)
        {
            ThrowIfClosed();
            if (Subject.AsSpan().IndexOfAny('*', '>') >= 0)
            {
                throw new IpcException(IpcErrors.NotSupported,
                    $"'{Address}' stores what is sent to '{Subject}', which is a pattern and not one subject.", Address.Text,
                    $"Send to a topic that it stores: 'nats:{Subject.Replace("*", "x", StringComparison.Ordinal)}?type=topic'.");
            }
            return _sender ??= new ConfirmedSender(this);
        }
    }

    private Puller Receiver(in WaitOptions wait)
    {
        if (_puller is { } puller) return puller;
        lock (_opening)
        {
            ThrowIfClosed();
            if (_puller is not null) return _puller;
            RequireConsumer(DefaultAckWait, wait);
            return _puller = new Puller(Server, Address, _consumer!, AckWait);
        }
    }

    // All receivers share one consumer. A stream that another program made has one already, or takes one of ours.
    private void RequireConsumer(TimeSpan ackWait, in WaitOptions wait)
    {
        if (_consumer is not null) return;
        var what = $"the consumer of '{Address}'";
        var found = Server.Call(FindConsumerAsync, Address, what, wait) ?? Server.Call(async (js, token) =>
        {
            var consumer = await js.CreateConsumerAsync(Address.Name!, new ConsumerConfig(ConsumerName)
            {
                AckPolicy = ConsumerConfigAckPolicy.Explicit,
                AckWait = ackWait,
                MaxAckPending = 20_000,
                MaxDeliver = -1,
            }, token).ConfigureAwait(false);
            return (ConsumerInfo?)consumer.Info;
        }, Address, what, wait)!;
        (_consumer, AckWait) = (found.Name, found.Config.AckWait);
    }

    private async ValueTask<ConsumerInfo?> FindConsumerAsync(NatsJSContext js, CancellationToken token)
    {
        ConsumerInfo? only = null;
        var count = 0;
        await foreach (var consumer in js.ListConsumersAsync(Address.Name!, token).ConfigureAwait(false))
        {
            if (consumer.Info.Name == ConsumerName) return consumer.Info;
            only = consumer.Info;
            count++;
        }
        return count == 1 && only!.Config is { AckPolicy: ConsumerConfigAckPolicy.Explicit, DeliverSubject: null or "" } ? only : null;
    }

    private void Peek(MessageBuffer message, in WaitOptions wait)
    {
        var poll = new PollWithBackoff();
        while (!TryPeek(message, wait))
        {
            if (wait.Deadline.HasPassed) throw NoMessage(wait);
            Waiter.PollAny([], new(poll.Next(wait.Deadline), wait.Cancellation), Closing);
        }
    }

    private bool TryPeek(MessageBuffer message, in WaitOptions wait)
    {
        var found = Server.Call(async (js, token) =>
        {
            var stream = await js.GetStreamAsync(Address.Name!, cancellationToken: token).ConfigureAwait(false);
            if (stream.Info.State.Messages == 0) return null;
            try
            {
                return await stream.GetAsync(new StreamMsgGetRequest { Seq = stream.Info.State.FirstSeq }, token).ConfigureAwait(false);
            }
            catch (NatsJSApiException e) when (e.Error.Code == 404)
            {
                // It was acknowledged meanwhile.
                return null;
            }
        }, Address, $"a message on '{Address}'", wait);
        if (found is null) return false;
        message.Set(found.Message.Data.Span);
        if (found.Message.Hdrs is { } headers) Headers.Describe(Encoding.ASCII.GetString(Convert.FromBase64String(headers)), message);
        return true;
    }
}
