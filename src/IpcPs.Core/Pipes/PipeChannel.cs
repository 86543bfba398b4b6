using IpcPs.Messaging;

namespace IpcPs.Pipes;

/// <summary>One end of an anonymous pipe (pipe(7)), or both directions of a duplex end.</summary>
/// <remarks>Bytes go one way, in order, and live in the kernel: 64 KiB of them by default, then a sender waits. When the last writer is gone the
/// reader gets what is left and then the end; when the last reader is gone the writer gets <see cref="IpcErrors.PeerClosed"/>. The pipe
/// ends with the last process that has it open: use a <see cref="NamedPipe"/> where a peer may restart.
/// Calls: read(2), write(2), ppoll(2), fcntl(2).</remarks>
public sealed class PipeChannel : StreamChannel, IIpcCapacity
{
    private readonly SafeDescriptor? _reader;
    private readonly SafeDescriptor? _writer;
    private int _readSize;

    internal PipeChannel(IpcAddress address, SafeDescriptor? reader, SafeDescriptor? writer) : base(address, PipeIO.AtomicWrite)
    {
        _reader = reader;
        _writer = writer;
        if (reader is not null) _readSize = PipeIO.GetCapacity(reader, address);
    }

    /// <inheritdoc/>
    public override string Kind => "anonymous pipe";

    /// <inheritdoc/>
    public override bool CanSend => _writer is { IsClosed: false };

    /// <inheritdoc/>
    public override bool CanReceive => _reader is { IsClosed: false };

    /// <summary>Bytes that the pipe holds before a sender waits. Setting it rounds up to a power of two pages, and fails above
    /// /proc/sys/fs/pipe-max-size for users without CAP_SYS_RESOURCE. Of a duplex end it is the sending direction's.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public long Capacity
    {
        get => PipeIO.GetCapacity(Any, Address);
        set
        {
            PipeIO.SetCapacity(Any, value, Address);
            if (_reader is not null) _readSize = PipeIO.GetCapacity(_reader, Address);
        }
    }

    /// <summary>Bytes sent and not yet read.</summary>
    public int PendingBytes => PipeIO.GetPending(_reader is { IsClosed: false } reader ? reader : Any, Address);

    /// <inheritdoc/>
    public override System.Runtime.InteropServices.SafeHandle? HandleToPass => _reader is null ? _writer : _writer is null ? _reader : null;

    // Of a simple pipe both ends lead to one place; two descriptors are two pipes, one for each direction.
    internal override bool CanRequest => CanSend && CanReceive && Address.WriteDescriptor >= 0;

    /// <summary>The descriptor that this end reads from, for handing it to a child; null where it only writes.</summary>
    internal SafeDescriptor? Reader => _reader;

    /// <summary>The descriptor that this end writes to; null where it only reads.</summary>
    internal SafeDescriptor? Writer => _writer;

    // A read that takes all there is ends where a write ended, so another reader never starts in the middle of a message.
    internal override int ReadSize => _readSize;

    private SafeDescriptor Any
    {
        get
        {
            ThrowIfClosed();
            return _writer ?? _reader!;
        }
    }

    /// <inheritdoc/>
    public override void CompleteSending()
    {
        RequireSend();
        _writer!.Dispose();
    }

    // Both take the pipe's one lock.
    internal override bool ReadsExcludeWrites => true;

    internal override int TryRead(Span<byte> buffer) => PipeIO.TryRead(_reader!, buffer, Address);

    internal override int TryWrite(ReadOnlySpan<byte> bytes, in SendOptions options)
    {
        if (options.Handles is not null)
            throw new IpcException(IpcErrors.NotSupported, "A pipe does not carry descriptors.", Address.Text) { Advice = IpcAdvice.UseUnixSocket };
        return PipeIO.TryWrite(_writer!, bytes, Address);
    }

    internal override SafeDescriptor ReaderDescriptor(in WaitOptions wait) => _reader!;

    internal override SafeDescriptor WriterDescriptor(in WaitOptions wait) => _writer!;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _reader?.Dispose();
        _writer?.Dispose();
    }
}
