using System.Collections.Concurrent;
using System.Diagnostics;
using IpcPs.Messaging;
using IpcPs.Pipes;

namespace IpcPs.Relays;

/// <summary>Opens one side of a relay.</summary>
/// <param name="wait">How long opening may take, and what cancels it.</param>
/// <param name="isOwned">Whether the relay closes the channel when it ends.</param>
public delegate IpcChannel RelayOpener(in WaitOptions wait, out bool isOwned);

/// <summary>Moves what arrives on one channel to another one, on threads of its own, until one of the two ends.</summary>
/// <remarks>Between two byte streams it moves bytes; otherwise messages. A target that is full stops the reading of the source. When the
/// source ends, the target's sending side is closed, so that its receiver sees the end. When the target's receiver has gone, the source is
/// closed, so that its sender notices.</remarks>
public sealed class IpcRelay : IpcObject
{
    /// <summary>How many failures are kept for <see cref="TryTakeFailure"/>; the others are only counted.</summary>
    private const int MaxKeptFailures = 1000;

    private readonly RelayOpener _openFrom;
    private readonly RelayOpener _openTo;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<IpcException> _failures = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly ManualResetEventSlim _ended = new();
    private readonly CancellationTokenSource _endToken = new();
    private readonly object _observing = new();
    private Thread? _thread;
    private volatile RelayDirection? _there;
    private volatile RelayDirection? _back;
    private volatile IRelayObserver? _observer;
    private long _failed;
    private long _lastActivity = Stopwatch.GetTimestamp();
    private long _began = Stopwatch.GetTimestamp();
    private TimeSpan? _duration;
    private RelayEnd _firstEnd;
    private IpcException? _firstError;

    /// <summary>Creates a relay, which <see cref="Start"/> starts.</summary>
    /// <param name="from">The address to receive from.</param>
    /// <param name="openFrom">Opens it.</param>
    /// <param name="to">The address to send to.</param>
    /// <param name="openTo">Opens it.</param>
    /// <param name="options">How the relay works.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the options contradict each other.</exception>
    public IpcRelay(IpcAddress from, RelayOpener openFrom, IpcAddress to, RelayOpener openTo, RelayOptions? options = null) : base(from)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(openFrom);
        ArgumentNullException.ThrowIfNull(openTo);
        (ToAddress, _openFrom, _openTo, Options) = (to, openFrom, openTo, options ?? new RelayOptions());
        if (Options.Count < 1) throw IpcException.Argument($"A relay moves 1 message or more, not {Options.Count}.");
        if (Options is { Count: not null, Duplex: true }) throw IpcException.Argument("A count and two directions exclude each other.");
        if (Options.IdleTimeout < TimeSpan.Zero) throw IpcException.Argument($"A timeout cannot be negative: {Options.IdleTimeout}.");
    }

    /// <summary>Creates a relay between two open channels, which stay the caller's.</summary>
    public IpcRelay(IpcChannel from, IpcChannel to, RelayOptions? options = null)
        : this(Known(from).Address, Keep(from), Known(to).Address, Keep(to), options)
    {
    }

    /// <inheritdoc/>
    public override string Kind => "relay";

    /// <summary>The address that it sends to.</summary>
    public IpcAddress ToAddress { get; }

    /// <summary>How it works.</summary>
    public RelayOptions Options { get; }

    /// <summary>Called once, on the relay's thread, when it has ended.</summary>
    public Action<IpcRelay>? Ended { get; init; }

    /// <summary>Called when a message could not be sent on.</summary>
    public Action<IpcException>? OneFailed { get; init; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _ended.IsSet;

    /// <summary>Why it failed, or what ended it where the other side did not just close; null while it runs.</summary>
    public IpcException? Error => HasEnded ? _firstError : null;

    /// <summary>What it has done so far.</summary>
    public IpcRelayResult Result
    {
        get
        {
            var (there, back) = (_there, _back);
            return new IpcRelayResult(Address.Text, ToAddress.Text, there?.Messages, there?.Bytes ?? 0, back?.Messages, back?.Bytes,
                Interlocked.Read(ref _failed), _duration ?? Stopwatch.GetElapsedTime(_began), HasEnded ? _firstEnd : RelayEnd.None,
                Error?.Message);
        }
    }

    /// <summary>Whether both sides are open, and something can pass.</summary>
    public bool IsOpen => _there is not null;

    /// <summary>Cancelled when it has ended.</summary>
    internal CancellationToken EndToken => _endToken.Token;

    internal CancellationToken Stopping => _stopping.Token;

    internal IRelayObserver? Observer => _observer;

    internal long LastActivity
    {
        get => Interlocked.Read(ref _lastActivity);
        set => Interlocked.Exchange(ref _lastActivity, value);
    }

    /// <summary>Starts it. Failures from now on are in <see cref="Error"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no thread is left.</exception>
    public void Start() => _thread = BackgroundThread.Start("IpcPs relay", Run, Address.Text);

    /// <summary>Ends it. Returns at once.</summary>
    public void Stop()
    {
        if (!IsClosed) _stopping.Cancel();
    }

    /// <summary>Waits until it has ended or a message has failed.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool WaitForNews(in WaitOptions wait) => HasEnded || _news.Wait(Milliseconds(wait.Deadline), wait.Cancellation);

    /// <summary>Waits until it has ended.</summary>
    /// <returns>False when the deadline passed.</returns>
    public bool WaitForEnd(in WaitOptions wait) => _ended.Wait(Milliseconds(wait.Deadline), wait.Cancellation);

    /// <summary>Takes the next message that could not be sent on.</summary>
    public bool TryTakeFailure(out IpcException? failure) => _failures.TryDequeue(out failure);

    /// <summary>A side that is open already, and stays the caller's.</summary>
    public static RelayOpener Keep(IpcChannel channel) => (in WaitOptions _, out bool isOwned) =>
    {
        isOwned = false;
        return channel;
    };

    /// <summary>Lets an observer see what passes, until the result is disposed.</summary>
    internal IDisposable Observe(IRelayObserver observer)
    {
        lock (_observing)
        {
            if (_observer is not null)
                throw new IpcException(IpcErrors.InvalidOperation, $"The relay from '{Address}' is being traced already.", Address.Text);
            _observer = observer;
        }
        return new Observation(this);
    }

    internal void Report(IpcException failure)
    {
        Interlocked.Increment(ref _failed);
        if (OneFailed is { } failed)
        {
            failed(failure);
            return;
        }
        if (_failures.Count < MaxKeptFailures) _failures.Enqueue(failure);
        _news.Release();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _stopping.Cancel();
        // The thread itself closes the relay when the job that has it is removed in a handler of its end.
        if (_thread is not null && _thread != Thread.CurrentThread) _thread.Join();
    }

    private static IpcChannel Known(IpcChannel channel) => channel ?? throw new ArgumentNullException(nameof(channel));

    private static int Milliseconds(Deadline deadline) =>
        deadline.IsInfinite ? Timeout.Infinite : (int)Math.Min(int.MaxValue, Math.Ceiling(deadline.Remaining.TotalMilliseconds));

    private void Run()
    {
        IpcChannel? from = null, to = null;
        bool ownsFrom = false, ownsTo = false;
        try
        {
            var wait = new WaitOptions(Options.IdleTimeout is { } limit ? Deadline.After(limit) : Deadline.Infinite, Stopping);
            from = _openFrom(wait, out ownsFrom);
            to = _openTo(wait, out ownsTo);
            Relay(from, to);
        }
        catch (OperationCanceledException)
        {
            SetEnd(RelayEnd.Stopped, null);
        }
        catch (IpcException e)
        {
            SetEnd(RelayEnd.Failed, e);
        }
        finally
        {
            _duration = Stopwatch.GetElapsedTime(_began);
            if (ownsFrom) from?.Dispose();
            if (ownsTo) to?.Dispose();
        }
        _ended.Set();
        _endToken.Cancel();
        _news.Release();
        Ended?.Invoke(this);
    }

    private void Relay(IpcChannel from, IpcChannel to)
    {
        Check(from, to);
        LastActivity = _began = Stopwatch.GetTimestamp();
        var there = Direction(from, to, isBack: false);
        RelayDirection? back = null;
        Thread? second = null;
        try
        {
            back = Options.Duplex ? Direction(to, from, isBack: true) : null;
            (_back, _there) = (back, there);
            if (back is not null) second = BackgroundThread.Start("IpcPs relay back", () => RunOne(back), Address.Text);
            RunOne(there);
            second?.Join();
        }
        finally
        {
            (there as IDisposable)?.Dispose();
            (back as IDisposable)?.Dispose();
        }
        // The receiver has gone: the sender must notice, as SIGPIPE would tell it.
        foreach (var ended in new[] { there, back })
        {
            if (ended?.End == RelayEnd.To) ended.Source.Dispose();
        }
    }

    private RelayDirection Direction(IpcChannel source, IpcChannel target, bool isBack)
    {
        var (from, to) = (source is AnonymousPipe { Reader: var reader } ? reader : source,
            target is AnonymousPipe { Writer: var writer } ? writer : target);
        return Options.IsRaw && from is StreamChannel sourceStream && to is StreamChannel targetStream
            ? new StreamDirection(this, sourceStream, targetStream, isBack)
            : new MessageDirection(this, from, to, isBack);
    }

    private void RunOne(RelayDirection direction)
    {
        direction.Run();
        SetEnd(direction.End switch
        {
            RelayEnd.From when direction.IsBack => RelayEnd.To,
            RelayEnd.To when direction.IsBack => RelayEnd.From,
            var end => end,
        }, direction.Error);
        // These are ends of the whole. The other two leave the other direction as it is: it has an end of its own.
        if (direction.End is not (RelayEnd.From or RelayEnd.To)) _stopping.Cancel();
    }

    private void SetEnd(RelayEnd end, IpcException? error)
    {
        lock (_observing)
        {
            if (_firstEnd != RelayEnd.None) return;
            (_firstEnd, _firstError) = (end, error);
        }
    }

    private void Check(IpcChannel from, IpcChannel to)
    {
        from.Require(Options.Duplex ? IpcAccess.ReadWrite : IpcAccess.Read);
        to.Require(Options.Duplex ? IpcAccess.ReadWrite : IpcAccess.Write);
        if (ReferenceEquals(from, to) || (from.Address.Text == to.Address.Text && from is not Sockets.Server.ISocketConnection
            && from is not Sockets.DatagramSocket))
            throw IpcException.Argument($"A relay from '{from.Address}' to itself would never end.", from.Address.Text);
        if (!Options.Duplex || (from.CanRequest && to.CanRequest)) return;
        var oneWay = from.CanRequest ? to : from;
        throw new IpcException(IpcErrors.NotSupported,
            $"'{oneWay.Address}' ({oneWay.Kind}) has one direction only, or is shared by its senders and receivers.", oneWay.Address.Text,
            "Relay one direction, or use the two ends of a connection. A listener's clients are relayed one by one.")
        { Advice = IpcAdvice.UseDuplexChannel };
    }

    private sealed class Observation(IpcRelay relay) : IDisposable
    {
        public void Dispose() => relay._observer = null;
    }
}
