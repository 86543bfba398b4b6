using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Readiness;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>An anonymous pipe with both its ends (pipe2(2)): what is sent to <see cref="Writer"/> is received from <see cref="Reader"/>.
/// Sending to the pipe itself uses the writer, receiving from it the reader.</summary>
/// <remarks>Close the end that this process does not use. While it has the writer open, no process that has the reader sees the end of the
/// stream.</remarks>
public sealed class AnonymousPipe : IpcChannel, IIpcCapacity
{
    private AnonymousPipe(PipeChannel reader, PipeChannel writer) : base(reader.Address, receivesOneByOne: false)
    {
        Reader = reader;
        Writer = writer;
    }

    /// <summary>The end to receive from.</summary>
    public PipeChannel Reader { get; }

    /// <summary>The end to send to.</summary>
    public PipeChannel Writer { get; }

    /// <inheritdoc/>
    public override string Kind => "anonymous pipe";

    /// <inheritdoc/>
    public override bool CanSend => Writer.CanSend;

    /// <inheritdoc/>
    public override bool CanReceive => Reader.CanReceive;

    /// <inheritdoc/>
    public override bool IsByteStream => true;

    /// <inheritdoc cref="PipeChannel.Capacity"/>
    public long Capacity
    {
        get => Writer.IsClosed ? Reader.Capacity : Writer.Capacity;
        set => Writer.Capacity = value;
    }

    /// <inheritdoc cref="PipeChannel.PendingBytes"/>
    public int PendingBytes => Reader.PendingBytes;

    /// <summary>Creates a pipe. Both ends are closed on exec: a child gets an end only where it is passed.</summary>
    /// <param name="capacity">How many bytes it holds; null for the kernel's default, 64 KiB.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptors are left, or the capacity is above
    /// fs.pipe-max-size.</exception>
    public static unsafe AnonymousPipe Create(long? capacity = null)
    {
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_CLOEXEC | Libc.O_NONBLOCK) != 0)
            throw IpcException.FromErrno("pipe2", Marshal.GetLastPInvokeError(), null);
        var pipe = Of(new SafeDescriptor(ends[0]), new SafeDescriptor(ends[1]));
        if (capacity is not { } bytes) return pipe;
        try
        {
            pipe.Reader.Capacity = bytes;
            return pipe;
        }
        catch
        {
            pipe.Dispose();
            throw;
        }
    }

    /// <summary>Creates a FIFO (mkfifo(3)), opens both its ends, and removes its name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AccessDenied"/>: the runtime folder; <see cref="IpcErrors.LimitReached"/>: no
    /// descriptors are left.</exception>
    internal static AnonymousPipe CreateFromFifo()
    {
        var address = IpcAddress.Parse("fifo:" + UnnamedTransport.NewName());
        using var fifo = NamedPipe.Create(address);
        try
        {
            // Also the end from which the others are opened: a FIFO without a reader can't be opened for writing.
            var first = fifo.ReaderDescriptor(default);
            var reader = PipeIO.Reopen(0, first.Number, Libc.O_RDONLY, address);
            try
            {
                return Of(reader, PipeIO.Reopen(0, first.Number, Libc.O_WRONLY, address));
            }
            catch
            {
                reader.Dispose();
                throw;
            }
        }
        finally
        {
            _ = Libc.unlink(fifo.Path);
        }
    }

    /// <inheritdoc/>
    public override void Send(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Writer.Send(payload, options, wait);

    internal override bool KeepsEnqueued => Writer.KeepsEnqueued;

    /// <inheritdoc/>
    public override void Enqueue(ReadOnlySpan<byte> payload, in SendOptions options = default, in WaitOptions wait = default) =>
        Writer.Enqueue(payload, options, wait);

    /// <inheritdoc/>
    public override void Flush(in WaitOptions wait = default) => Writer.Flush(wait);

    private protected override bool ReceiveCore(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait) =>
        Reader.Receive(message, options, wait);

    /// <inheritdoc/>
    public override void CompleteSending() => Writer.Dispose();

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait) => Reader.ReadinessDescriptor(wait);

    /// <inheritdoc/>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default) => Reader.CreateWatch(options);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Reader.Dispose();
        Writer.Dispose();
    }

    private static AnonymousPipe Of(SafeDescriptor reader, SafeDescriptor writer)
    {
        var process = Environment.ProcessId;
        return new AnonymousPipe(
            new PipeChannel(IpcAddress.OfDescriptor(IpcScheme.Pipe, process, reader.Number), reader, null),
            new PipeChannel(IpcAddress.OfDescriptor(IpcScheme.Pipe, process, writer.Number), null, writer));
    }
}
