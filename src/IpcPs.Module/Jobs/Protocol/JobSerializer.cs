using IpcPs.Module.Serialization;
using IpcPs.Serialization;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>Turns what a job sends and receives into bytes and back. One per thread.</summary>
internal sealed class JobSerializer
{
    private readonly MessageEncoder _encoder = new(IpcFormat.Object);
    private readonly ObjectDecoder _decoder = new(PSObjectModel.Instance);

    /// <summary>A value's bytes, valid until the next call.</summary>
    public ReadOnlySpan<byte> Encode(object? value) => _encoder.Encode(value);

    /// <summary>The value again.</summary>
    public object? Decode(ReadOnlyMemory<byte> payload) => _decoder.Decode(payload);

    /// <summary>A record of one of PowerShell's streams again.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: it is another one.</exception>
    public T DecodeRecord<T>(ReadOnlyMemory<byte> payload)
        where T : class
    {
        var value = Decode(payload);
        return StreamRecordReader.Restore(value) as T ?? throw new IpcException(IpcErrors.InvalidData, $"A job's child sent something else in place of a {typeof(T).Name}.");
    }
}
