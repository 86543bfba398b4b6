namespace IpcPs.Pipes;

/// <summary>Two anonymous pipes, one for each direction: <see cref="Far"/> receives what <see cref="Near"/> sends, and the other way
/// round.</summary>
public sealed class DuplexPipe : IpcObject
{
    private DuplexPipe(PipeChannel near, PipeChannel far) : base(near.Address)
    {
        Near = near;
        Far = far;
    }

    /// <summary>The end that the creator keeps.</summary>
    public PipeChannel Near { get; }

    /// <summary>The end for the other side.</summary>
    public PipeChannel Far { get; }

    /// <inheritdoc/>
    public override string Kind => "pair of anonymous pipes";

    /// <summary>Creates both pipes.</summary>
    /// <param name="capacity">How many bytes each holds; null for the kernel's default, 64 KiB.</param>
    public static DuplexPipe Create(long? capacity = null)
    {
        var there = AnonymousPipe.Create(capacity);
        AnonymousPipe back;
        try
        {
            back = AnonymousPipe.Create(capacity);
        }
        catch
        {
            there.Dispose();
            throw;
        }
        return new DuplexPipe(End(back.Reader.Reader!, there.Writer.Writer!), End(there.Reader.Reader!, back.Writer.Writer!));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Near.Dispose();
        Far.Dispose();
    }

    private static PipeChannel End(SafeDescriptor reader, SafeDescriptor writer) =>
        new(IpcAddress.OfDescriptor(IpcScheme.Pipe, Environment.ProcessId, reader.Number, writer.Number), reader, writer);
}
