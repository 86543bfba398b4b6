using System.Diagnostics;
using IpcPs.Messaging;
using IpcPs.Pipes;

namespace IpcPs.Relays;

/// <summary>One direction of a relay: moves messages or bytes from one channel to the other, until one of them ends.</summary>
internal abstract class RelayDirection
{
    private readonly IpcRelay _relay;
    private long _messages;
    private long _bytes;

    private protected RelayDirection(IpcRelay relay, IpcChannel source, IpcChannel target, bool isBack)
    {
        _relay = relay;
        (Source, Target, IsBack) = (source, target, isBack);
    }

    public IpcChannel Source { get; }

    public IpcChannel Target { get; }

    /// <summary>Whether it goes from <c>To</c> to <c>From</c>.</summary>
    public bool IsBack { get; }

    /// <summary>How many messages passed; null if it sees no messages.</summary>
    public virtual long? Messages => Interlocked.Read(ref _messages);

    /// <summary>How many bytes passed.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Why it ended.</summary>
    public RelayEnd End { get; private set; }

    /// <summary>What ended it, where the other side did not just close.</summary>
    public IpcException? Error { get; private set; }

    public RelayOptions Options => _relay.Options;

    public IRelayObserver? Observer => _relay.Observer;

    /// <summary>Cancelled when the relay is stopped, or when the target has no receiver any more.</summary>
    public CancellationToken Ending { get; private set; }

    /// <summary>Moves everything. Returns when one of the two channels has ended.</summary>
    public void Run()
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_relay.Stopping);
        Ending = ending.Token;
        HangUpWatch? watch = null;
        try
        {
            // A pipe's end waits for its receiver here.
            watch = HangUpWatch.TryStart(Target, ending);
            End = Move();
        }
        catch (OperationCanceledException)
        {
            End = _relay.Stopping.IsCancellationRequested ? RelayEnd.Stopped : RelayEnd.To;
        }
        catch (IpcException e)
        {
            Error = e;
            End = e.Id == IpcErrors.Timeout ? RelayEnd.Timeout : EndOf(e);
        }
        finally
        {
            watch?.Dispose();
        }
        if (End == RelayEnd.From) CompleteTarget();
    }

    /// <summary>Moves everything until the source ends. All other ends are exceptions.</summary>
    private protected abstract RelayEnd Move();

    public void CountMessage(int bytes)
    {
        Interlocked.Increment(ref _messages);
        CountBytes(bytes);
    }

    public void CountBytes(long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        if (Options.IdleTimeout is not null) _relay.LastActivity = Stopwatch.GetTimestamp();
    }

    public void Report(IpcException failure) => _relay.Report(failure);

    /// <summary>How long to wait for the next message: as long as the other direction has been idle too.</summary>
    public WaitOptions IdleWait() => Options.IdleTimeout is not { } limit ? new(Deadline.Infinite, Ending)
        : new(Deadline.After(Left(limit)), Ending);

    /// <summary>After a wait whose deadline has passed: whether something passed in the other direction meanwhile.</summary>
    public bool WasActive() => Options.IdleTimeout is { } limit && Left(limit) > TimeSpan.Zero;

    public IpcException TimedOut() =>
        IpcException.TimedOut($"a message on '{Source.Address}'", Source.Address.Text,
            Deadline.After(Options.IdleTimeout ?? TimeSpan.Zero));

    private TimeSpan Left(TimeSpan limit)
    {
        var left = limit - Stopwatch.GetElapsedTime(_relay.LastActivity);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>The side that an error is about.</summary>
    private RelayEnd EndOf(IpcException e) =>
        e.Id != IpcErrors.PeerClosed && e.Id != IpcErrors.Removed && e.Id != IpcErrors.Closed && e.Id != IpcErrors.TruncatedMessage
            ? RelayEnd.Failed
            : IsOfSource(e) ? RelayEnd.From : RelayEnd.To;

    // The two may have the same address: then the call tells.
    private bool IsOfSource(IpcException e) => Source.Address.Text != Target.Address.Text
        ? e.Target == Source.Address.Text
        : e.Call is "recv" or "read" or "msgrcv" || Source.IsClosed;

    // The receiver sees the end of the stream. A queue has none.
    private void CompleteTarget()
    {
        try
        {
            if (Target.CanSend) Target.CompleteSending();
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotSupported || e.Id == IpcErrors.Closed || e.Id == IpcErrors.PeerClosed)
        {
            // It cannot, or it is gone already.
        }
    }
}

/// <summary>Notices that the receiver of a stream has gone while nothing is sent to it (POLLHUP and POLLERR of poll(2)). A TCP peer is
/// noticed only when something is sent to it.</summary>
internal sealed class HangUpWatch : IDisposable
{
    private readonly CancellationTokenSource _done = new();
    private readonly Thread? _thread;

    private HangUpWatch(SafeDescriptor descriptor, CancellationTokenSource onHangUp) =>
        _thread = BackgroundThread.TryStart("IpcPs relay watch", () => Watch(descriptor, onHangUp), stackSize: 128 * 1024);

    /// <summary>Watches where the kernel can tell; otherwise returns null. Opens the target's sending end.</summary>
    public static HangUpWatch? TryStart(IpcChannel target, CancellationTokenSource onHangUp) => target switch
    {
        NamedPipe { Persistent: true } => null,
        StreamChannel { CanSend: true } stream => new(stream.WriterDescriptor(onHangUp.Token), onHangUp),
        Sockets.SeqPacketSocket { CanSend: true } packets => new((SafeDescriptor)packets.HandleToPass!, onHangUp),
        _ => null,
    };

    public void Dispose()
    {
        _done.Cancel();
        _thread?.Join();
        _done.Dispose();
    }

    private void Watch(SafeDescriptor descriptor, CancellationTokenSource onHangUp)
    {
        try
        {
            Waiter.Poll(descriptor, PollEvents.None, _done.Token);
            onHangUp.Cancel();
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IpcException)
        {
            // The direction has ended, or its own calls report what is wrong.
        }
    }
}
