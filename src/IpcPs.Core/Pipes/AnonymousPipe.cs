using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Pipes;

/// <summary>An anonymous pipe with both its ends (pipe2(2)): what is sent to <see cref="Writer"/> is received from <see cref="Reader"/>.
/// Sending to and receiving from the pipe itself uses them.</summary>
/// <remarks>As long as this process keeps the writer open, its reader, wherever it is, sees no end: close the end that you do not use.</remarks>
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

    /// <summary>Creates a pipe. Both ends are closed on exec, so that only children that are meant to get them do.</summary>
    /// <param name="capacity">Bytes it holds; null for the kernel's default, 64 KiB.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no descriptors left, or a capacity above fs.pipe-max-size.</exception>
    public static unsafe AnonymousPipe Create(long? capacity = null)
    {
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.O_CLOEXEC | Libc.O_NONBLOCK) != 0) throw IpcException.FromErrno("pipe2", Marshal.GetLastPInvokeError(), null);
        var process = Environment.ProcessId;
        var reader = new PipeChannel(IpcAddress.OfDescriptor(IpcScheme.Pipe, process, ends[0]), new SafeDescriptor(ends[0]), null);
        var writer = new PipeChannel(IpcAddress.OfDescriptor(IpcScheme.Pipe, process, ends[1]), null, new SafeDescriptor(ends[1]));
        var pipe = new AnonymousPipe(reader, writer);
        if (capacity is not { } bytes) return pipe;
        try
        {
            reader.Capacity = bytes;
            return pipe;
        }
        catch
        {
            pipe.Dispose();
            throw;
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
    protected override void Dispose(bool disposing)
    {
        Reader.Dispose();
        Writer.Dispose();
    }
}
