using IpcPs.Module.Serialization;
using IpcPs.Serialization;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>Serializes the values that jobs and their parents exchange. One for each thread.</summary>
/// <param name="isPrivate">Whether what is sent goes through a pipe that only the job inherits. Then secrets may be sent.</param>
internal sealed class JobSerializer(bool isPrivate = true)
{
    private readonly MessageEncoder _encoder = new(IpcFormat.Object, allowSecrets: isPrivate);
    private readonly ObjectDecoder _decoder = new(PSObjectModel.Instance);

    /// <summary>Encodes a value. The bytes are valid until the next call.</summary>
    public ReadOnlySpan<byte> Encode(object? value, CancellationToken cancellation = default) =>
        _encoder.Encode(value, cancellation);

    /// <summary>Decodes a value.</summary>
    public object? Decode(ReadOnlyMemory<byte> payload, CancellationToken cancellation = default) =>
        _decoder.Decode(payload, cancellation);

    /// <summary>Decodes a record of one of PowerShell's streams.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: it is not such a record.</exception>
    public T DecodeRecord<T>(ReadOnlyMemory<byte> payload)
        where T : class =>
        StreamRecordReader.Restore(Decode(payload)) as T
        ?? throw new IpcException(IpcErrors.InvalidData, $"The job's child sent an object of another type in place of a {typeof(T).Name}.");
}
