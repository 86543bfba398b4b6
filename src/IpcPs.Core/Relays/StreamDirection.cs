using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Sockets;

namespace IpcPs.Relays;

/// <summary>Moves the bytes of a stream without copying them (splice(2)): from or to a pipe directly, between two sockets through a pipe of
/// its own. splice(2) drops the descriptors that come with the bytes of a Unix socket: between two of these, bytes that may have some are
/// copied.</summary>
/// <remarks>Calls: splice(2), ioctl(2) (FIONREAD), ppoll(2); where it copies, read(2), write(2), recvmsg(2), sendmsg(2).</remarks>
internal sealed unsafe class StreamDirection : RelayDirection, IDisposable
{
    private const int SpliceSize = 1024 * 1024;

    // Larger reads are not faster, and leave the second-level cache.
    private const int CopySize = 128 * 1024;

    private const int WouldBlock = -1;
    private const int TargetIsFull = -2;

    private readonly StreamChannel _source;
    private readonly StreamChannel _target;
    private readonly CancellationTokenSource _closing;
    private readonly bool _splices;
    private readonly PassedDescriptors? _passed;
    private readonly AnonymousPipe? _between;
    private readonly MessageBuffer _unread = new();
    private AdaptiveWait _wait = AdaptiveWait.InConversations;
    private byte[] _copy = [];
    private int _copyStart;
    private int _copyEnd;
    private IReadOnlyList<SafeDescriptor> _handles = [];
    private int _inPipe;
    private volatile bool _seesMessages;

    public StreamDirection(IpcRelay relay, StreamChannel source, StreamChannel target, bool isBack) : base(relay, source, target, isBack)
    {
        (_source, _target) = (source, target);
        if (MayPassHandles) _passed = PassedDescriptors.TryOpen(source);
        _splices = !(MayPassHandles && _passed is null);
        _closing = CancellationTokenSource.CreateLinkedTokenSource(source.Closing, target.Closing);
        if (_splices && source is StreamSocket && target is StreamSocket) _between = CreateBetween();
    }

    public override long? Messages => _seesMessages ? base.Messages : null;

    public void Dispose()
    {
        _between?.Dispose();
        _passed?.Dispose();
        _closing.Dispose();
        foreach (var handle in _handles) handle.Dispose();
    }

    private protected override RelayEnd Move()
    {
        switch (MustSeeMessages())
        {
            case null:
                return RelayEnd.From;
            case true:
                _seesMessages = true;
                return new MessagePump(this).Move();
        }
        using var receiving = _source.HoldReceiving(Ending);
        using var sending = _target.HoldSending(Ending);
        _source.BeginRaw();
        _target.BeginRaw();
        try
        {
            MoveUnread();
            while (true)
            {
                switch (Once())
                {
                    case WouldBlock:
                        throw TimedOut();
                    case TargetIsFull:
                        WaitForTarget();
                        break;
                    case 0 when !_source.ContinuesAfterEnd():
                        return RelayEnd.From;
                }
                Drain();
            }
        }
        catch (OperationCanceledException)
        {
            DrainWhatFits();
            throw;
        }
        catch (Exception e) when (e is ObjectDisposedException or IpcException { Target: null } && _closing.IsCancellationRequested)
        {
            var closed = _source.IsClosed ? _source : _target;
            throw new IpcException(IpcErrors.Closed, $"'{closed.Address}' was closed.", closed.Address.Text);
        }
        finally
        {
            _target.EndRaw();
            _source.EndRaw();
        }
    }

    /// <summary>On a pipe, IpcPs sends a long message in fragments, which a socket does not take. So its messages are put together here.
    /// The first byte of the stream tells them from those of other programs.</summary>
    /// <returns>Null at the end of the stream.</returns>
    private bool? MustSeeMessages()
    {
        if (!_source.HasFragments || _target.HasFragments || Options.From.Format == IpcFormat.Bytes) return false;
        while (true)
        {
            try
            {
                return _source.BeginsWithEnvelope(IdleWait());
            }
            catch (IpcException e) when (e.Id == IpcErrors.Timeout && WasActive())
            {
                // Something passed in the other direction.
            }
        }
    }

    /// <summary>Moves some bytes from the source: to the target, or to what <see cref="Drain"/> empties. Waits for them.</summary>
    /// <returns>How many; 0 at the end; <see cref="WouldBlock"/> if the relay was idle too long; <see cref="TargetIsFull"/>.</returns>
    private int Once()
    {
        var attempt = new MoveAttempt(this);
        while (!Waiter.Until(ref attempt, _source.ReaderDescriptor(Ending), ref _wait, IdleWait(), _closing.Token))
        {
            if (!WasActive()) return WouldBlock;
        }
        return attempt.Moved;
    }

    private int TryMove()
    {
        if (!_splices || Observer is not null) return TryCopy();
        var size = SpliceSize;
        // The end of the stream, and no bytes yet, are left to the read.
        if (_passed is not null && (size = Math.Min(size, _passed.BytesWithout())) == 0) return TryCopy();
        return _between is null ? TrySplice(_target.WriterDescriptor(Ending), size, isStaged: false)
            : TrySplice(_between.Writer.Writer!, size, isStaged: true);
    }

    private int TrySplice(SafeDescriptor into, int size, bool isStaged)
    {
        while (true)
        {
            var moved = (int)Libc.splice(_source.ReaderDescriptor(Ending), null, into, null, (nuint)size, SpliceFlags);
            if (moved > 0)
            {
                if (isStaged) _inPipe = moved;
                else CountBytes(moved);
                return moved;
            }
            if (moved == 0) return _source.IsAtEnd ? 0 : WouldBlock;
            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    // Either side may be the reason.
                    return !isStaged && PipeIO.GetPending(_source.ReaderDescriptor(Ending), _source.Address) > 0
                        ? TargetIsFull : WouldBlock;
                case Errno.EPIPE when !isStaged:
                    if (!_target.ReconnectsWriter(Ending)) throw NoReceiver();
                    continue;
                case Errno.ECONNRESET when _source is StreamSocket { CarriesHandles: true }:
                    // The peer closed without receiving everything, as in a read.
                    return 0;
                case Errno.ECONNRESET when _source is not StreamSocket:
                    throw NoReceiver();
                case Errno.ECONNRESET:
                    throw Sockets.Native.SocketErrors.ReceiveFailed(_source.Address, Errno.ECONNRESET);
                default:
                    throw IpcException.FromErrno("splice", Marshal.GetLastPInvokeError(), _source.Address.Text);
            }
        }
    }

    private int TryCopy()
    {
        if (_copy.Length == 0) _copy = GC.AllocateUninitializedArray<byte>(CopySize);
        var read = _source.TryRead(_copy);
        if (read <= 0) return read;
        (_copyStart, _copyEnd) = (0, read);
        _handles = _source.TakeArrivedHandles();
        return read;
    }

    private void MoveUnread()
    {
        if (!_source.TakeUnread(_unread)) return;
        _copy = new byte[Math.Max(_unread.Length, CopySize)];
        _unread.Span.CopyTo(_copy);
        (_copyStart, _copyEnd) = (0, _unread.Length);
        _handles = _source.TakeArrivedHandles();
        Drain();
    }

    /// <summary>Sends what was taken from the source, and waits for buffer space.</summary>
    private void Drain()
    {
        while (_inPipe > 0 || _copyStart < _copyEnd)
        {
            if (!TryDrain()) WaitForTarget();
        }
    }

    // Stopped: what was taken from the source should arrive, where there is buffer space for it.
    private void DrainWhatFits()
    {
        try
        {
            while ((_inPipe > 0 || _copyStart < _copyEnd) && TryDrain()) continue;
        }
        catch (Exception e) when (e is IpcException or ObjectDisposedException or OperationCanceledException)
        {
            // There is no receiver any more.
        }
    }

    private bool TryDrain()
    {
        if (_inPipe == 0) return TryWriteCopy();
        while (true)
        {
            var into = _target.WriterDescriptor(Ending);
            var moved = (int)Libc.splice(_between!.Reader.Reader!, null, into, null, (nuint)_inPipe, SpliceFlags);
            if (moved > 0)
            {
                _inPipe -= moved;
                CountBytes(moved);
                return true;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return false;
                case Errno.EPIPE or Errno.ECONNRESET:
                    throw NoReceiver();
                default:
                    throw IpcException.FromErrno("splice", Marshal.GetLastPInvokeError(), _target.Address.Text);
            }
        }
    }

    private bool TryWriteCopy()
    {
        var bytes = _copy.AsSpan(_copyStart, _copyEnd - _copyStart);
        var options = _handles.Count == 0 ? default : new SendOptions { Handles = _handles };
        int written;
        try
        {
            written = _target.TryWrite(bytes, options);
        }
        catch (IpcException e) when (e.Id == IpcErrors.PeerClosed && _target.ReconnectsWriter(Ending))
        {
            return true;
        }
        if (written < 0) return false;
        foreach (var handle in _handles) handle.Dispose();
        _handles = [];
        Observer?.OnBytes(this, bytes[..written]);
        _copyStart += written;
        CountBytes(written);
        return true;
    }

    private void WaitForTarget()
    {
        var deadline = Options.IdleTimeout is { } limit ? Deadline.After(limit) : Deadline.Infinite;
        if (Waiter.Poll(_target.WriterDescriptor(Ending), PollEvents.Out, new(deadline, Ending), _closing.Token)) return;
        throw IpcException.TimedOut($"buffer space on '{_target.Address}'", _target.Address.Text, deadline);
    }

    private IpcException NoReceiver() => PipeIO.NoReader(_target.Address);

    private bool MayPassHandles => _source is StreamSocket { CarriesHandles: true } && _target is StreamSocket { CarriesHandles: true };

    private static uint SpliceFlags => Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK;

    // As large as this user may have it. A pipe that is too small is only slower.
    private static AnonymousPipe CreateBetween()
    {
        var pipe = AnonymousPipe.Create();
        try
        {
            pipe.Capacity = SpliceSize;
        }
        catch (IpcException)
        {
            // fs.pipe-max-size, or fs.pipe-user-pages-soft.
        }
        return pipe;
    }

    private struct MoveAttempt(StreamDirection direction) : IAttempt
    {
        public int Moved { get; private set; }

        public bool TryOnce() => (Moved = direction.TryMove()) != WouldBlock;
    }
}
