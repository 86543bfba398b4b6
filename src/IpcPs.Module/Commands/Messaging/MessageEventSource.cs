using System.Management.Automation;
using System.Management.Automation.Runspaces;
using IpcPs.Module.Serialization;

namespace IpcPs.Module.Commands.Messaging;

/// <summary>The source of the events of one Register-IpcMessage: the <c>$Sender</c> of each. A thread receives the messages, and queues an
/// event for each.</summary>
public sealed class MessageEventSource : IDisposable
{
    private static readonly Dictionary<Guid, List<MessageEventSource>> Sessions = [];

    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationToken _ended;
    private readonly SemaphoreSlim _changed = new(0);
    private readonly PSEventManager _events;
    private readonly string _identifier;
    private readonly MessageEventOptions _options;
    private readonly ReceiveSource _source;
    private Guid _session;
    private Thread? _thread;
    // Of the messages whose actions have not begun.
    private readonly Queue<MessageReceipt> _receipts = new();
    private MessageReceipt _running;
    private bool _isRunning;
    private long _generated;
    private long _handled;

    internal MessageEventSource(PSEventManager events, string identifier, ReceiveSource source, MessageEventOptions options)
    {
        (_events, _identifier, _source, _options) = (events, identifier, source, options);
        _ended = _ending.Token;
        Channels = Indexed.Of(source.Channels.Select(static c => c.Address.Text));
    }

    /// <summary>Never raised: PowerShell's event manager needs an event to subscribe to, but would handle each one on the thread pool,
    /// where a later message can overtake an earlier one.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "The event manager needs an instance event.")]
    public event EventHandler Received
    {
        add
        {
        }
        remove
        {
        }
    }

    /// <summary>The addresses of the channels.</summary>
    public IReadOnlyList<string> Channels { get; }

    /// <summary>How many messages were received so far.</summary>
    public long Count => Interlocked.Read(ref _generated);

    /// <summary>Called by each action when it begins.</summary>
    public void MarkStarted()
    {
        // Actions run one after the other, in the order of their messages.
        lock (_receipts) (_isRunning, _running) = (true, _receipts.TryDequeue(out var receipt) ? receipt : default);
    }

    /// <summary>Called by each action when it has run.</summary>
    public void MarkHandled()
    {
        lock (_receipts)
        {
            _running.Acknowledge();
            (_isRunning, _running) = (false, default);
            Monitor.PulseAll(_receipts);
        }
        Interlocked.Increment(ref _handled);
        _changed.Release();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Channels);

    /// <summary>Stops receiving. A message that was received already still becomes an event. What a broker has sent and no action has begun
    /// to process is returned to it.</summary>
    public void Dispose()
    {
        lock (_ending)
        {
            if (_ended.IsCancellationRequested) return;
            _ending.Cancel();
        }
        // The thread waits for an action that runs, which may be the one that calls this.
        lock (_receipts)
        {
            if (_isRunning) return;
        }
        if (_thread != Thread.CurrentThread) _thread?.Join(TimeSpan.FromSeconds(1));
    }

    /// <summary>Ends the registrations of a session.</summary>
    internal static void EndSession(Guid runspace)
    {
        List<MessageEventSource>? all;
        lock (Sessions)
        {
            if (!Sessions.Remove(runspace, out all)) return;
        }
        foreach (var source in all) source.Dispose();
    }

    internal void Start(Runspace runspace, PSEventSubscriber subscriber)
    {
        _session = runspace.InstanceId;
        lock (Sessions)
        {
            if (!Sessions.TryGetValue(runspace.InstanceId, out var all))
            {
                Sessions.Add(runspace.InstanceId, all = []);
                runspace.StateChanged += static (sender, change) =>
                {
                    if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken)
                        EndSession(((Runspace)sender!).InstanceId);
                };
            }
            all.Add(this);
        }
        subscriber.Unsubscribed += (_, _) => Dispose();
        _thread = new Thread(() => Run(subscriber)) { IsBackground = true, Name = $"IpcPs events {_identifier}" };
        _thread.Start();
    }

    private bool MayReceive => _options.MaxTriggerCount == 0 || _generated < _options.MaxTriggerCount;

    private void Run(PSEventSubscriber subscriber)
    {
        try
        {
            ReceiveAll();
            Unsubscribe(subscriber);
        }
        finally
        {
            Close();
            lock (Sessions)
            {
                if (Sessions.TryGetValue(_session, out var all)) all.Remove(this);
            }
        }
    }

    private void ReceiveAll()
    {
        var message = new MessageBuffer();
        var decoder = new MessageDecoder();
        IpcException? failure = null;
        IpcChannel last = _source.Channels[0];
        try
        {
            while (MayReceive)
            {
                WaitUntilFewPend();
                try
                {
                    if (_source.Receive(message, _options.Receive, _ended) is not { } channel) break;
                    last = channel;
                    if (Decode(decoder, message, channel) is { } received)
                    {
                        // With an action it is processed when the action has run; else when it is in the session's queue of events.
                        if (_options.HasAction) KeepReceipt(message.TakeReceipt());
                        Generate(received);
                    }
                    message.Acknowledge();
                }
                catch (IpcException e) when (e.IsOfOneMessage)
                {
                    // The messages after one that cannot be received are received all the same.
                    if (_options.HasAction) KeepReceipt(default);
                    Generate(new IpcMessage(new MessageBuffer(), null, last) { Exception = e });
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It was unregistered, and nothing was received meanwhile.
        }
        catch (Exception e) when (ErrorRecords.OfLibrary(e) is { } known)
        {
            failure = known;
        }
        if (!_ended.IsCancellationRequested && MayReceive) Generate(IpcMessage.EndOf(last, failure));
    }

    private void KeepReceipt(MessageReceipt receipt)
    {
        lock (_receipts) _receipts.Enqueue(receipt);
    }

    // After the action that runs, which acknowledges its message.
    private void Close()
    {
        lock (_receipts)
        {
            while (_receipts.TryDequeue(out var receipt)) receipt.Return();
            while (_isRunning) Monitor.Wait(_receipts);
        }
        _source.ReturnAhead();
        _source.Dispose();
    }

    private void Unsubscribe(PSEventSubscriber subscriber)
    {
        try
        {
            // The manager drops the actions that have not run when a subscription ends.
            while (_options.HasAction && Interlocked.Read(ref _handled) < _generated) _changed.Wait(_ended);
            if (!_ended.IsCancellationRequested) Post(() => _events.UnsubscribeEvent(subscriber));
        }
        catch (OperationCanceledException)
        {
            // It was unregistered meanwhile.
        }
    }

    /// <returns>Null if a listener rejected the message with its client.</returns>
    private IpcMessage? Decode(MessageDecoder decoder, MessageBuffer message, IpcChannel channel)
    {
        try
        {
            var body = decoder.Decode(message, _options.Receive.Format, _ended);
            return new IpcMessage(message, body, channel, _options.Receive.Format, _options.Receive.Delimiter);
        }
        catch (OperationCanceledException)
        {
            // It is received, so it becomes an event also now.
            var body = decoder.Decode(message, _options.Receive.Format);
            return new IpcMessage(message, body, channel, _options.Receive.Format, _options.Receive.Delimiter);
        }
        catch (IpcException e)
        {
            if (channel.TryReject(message, e)) return null;
            return new IpcMessage(message, null, channel, _options.Receive.Format, _options.Receive.Delimiter) { Exception = e };
        }
        finally
        {
            message.DropHandles();
        }
    }

    private void Generate(IpcMessage message)
    {
        Interlocked.Increment(ref _generated);
        // "In this thread" means that the event is queued by this thread. The manager would queue it on the thread pool otherwise.
        Post(() => _events.GenerateEvent(_identifier, this, [this, message], _options.MessageData, processInCurrentThread: true,
            waitForCompletionInCurrentThread: false));
    }

    private static void Post(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is InvalidOperationException or PSInvalidOperationException)
        {
            // The session is closing and takes no more events.
        }
    }

    /// <summary>Back-pressure: without it a slow session would gather events without end, and the sender would never learn of it.</summary>
    private void WaitUntilFewPend()
    {
        if (_options.HasAction)
        {
            while (_generated - Interlocked.Read(ref _handled) >= _options.MaxPending) _changed.Wait(_ended);
            return;
        }
        // The event manager does not report when an event was removed from its queue.
        var poll = new PollWithBackoff();
        while (Queued() >= _options.MaxPending)
            _ended.WaitHandle.WaitOne(poll.Next(Deadline.Infinite).Remaining);
        _ended.ThrowIfCancellationRequested();
    }

    private int Queued()
    {
        if (_ended.IsCancellationRequested) return 0;
        lock (_events.ReceivedEvents.SyncRoot) return _events.ReceivedEvents.Count(e => e.SourceIdentifier == _identifier);
    }
}

/// <summary>What a <see cref="MessageEventSource"/> receives, and how.</summary>
/// <param name="Receive">Format and delimiter.</param>
/// <param name="MessageData">The MessageData of each event.</param>
/// <param name="HasAction">Whether an action handles the events; else they stay in the event queue until they are removed.</param>
/// <param name="MaxPending">How many events may be pending before no more messages are received.</param>
/// <param name="MaxTriggerCount">Ends after that many messages; 0 for never.</param>
internal sealed record MessageEventOptions(
    ReceiveOptions Receive, PSObject? MessageData, bool HasAction, int MaxPending, int MaxTriggerCount);
