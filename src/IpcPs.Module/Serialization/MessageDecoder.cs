using System.Text;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Decodes received messages into PowerShell values. An instance is used for one message after another.</summary>
internal sealed class MessageDecoder
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly ObjectDecoder _objects = new(PSObjectModel.Instance);

    /// <summary>The value of a message.</summary>
    /// <param name="message">The message. The value does not refer to its buffer.</param>
    /// <param name="requested">The format that the receiver asked for.</param>
    /// <param name="cancellation">Ends the decoding of a large value.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.FormatMismatch"/>: the message does not have that format.
    /// <see cref="IpcErrors.InvalidData"/>: it does not have the format that its envelope names.</exception>
    public object? Decode(MessageBuffer message, IpcFormat requested, CancellationToken cancellation = default)
    {
        var bytes = message.Payload;
        var actual = message.Format;
        switch (requested)
        {
            case IpcFormat.Bytes:
                return bytes.ToArray();
            case IpcFormat.Object:
                return actual == IpcFormat.Object
                    ? _objects.Decode(bytes, cancellation)
                    : throw Mismatch(actual, "an Object", "Receive with -Format Auto, or with the format that the sender uses.");
            case IpcFormat.Text when actual != IpcFormat.Object:
                return TryText(bytes.Span) ?? throw Mismatch(actual, "UTF-8 text", "Receive with -Format Bytes.");
            case IpcFormat.Json when actual != IpcFormat.Object:
                return JsonDecoder.Decode(bytes, IpcErrors.FormatMismatch, cancellation);
            case IpcFormat.Text or IpcFormat.Json:
                throw Mismatch(actual, requested.ToString(), "Receive with -Format Auto or Object.");
            default:
                return DecodeByEnvelope(actual, bytes, cancellation);
        }
    }

    private object? DecodeByEnvelope(IpcFormat actual, ReadOnlyMemory<byte> bytes, CancellationToken cancellation) => actual switch
    {
        IpcFormat.Object => _objects.Decode(bytes, cancellation),
        IpcFormat.Text => TryText(bytes.Span) ?? throw NotUtf8(),
        IpcFormat.Json => JsonDecoder.Decode(bytes, IpcErrors.InvalidData, cancellation),
        IpcFormat.Bytes => bytes.ToArray(),
        _ => (object?)TryText(bytes.Span) ?? bytes.ToArray(),
    };

    private static string? TryText(ReadOnlySpan<byte> bytes)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return null;
        return Strict.GetString(bytes);
    }

    private static IpcException Mismatch(IpcFormat actual, string wanted, string advice)
    {
        var reason = actual == IpcFormat.Auto ? "" : $". It is marked as format {actual}";
        return new IpcException(IpcErrors.FormatMismatch, $"The message is not {wanted}{reason}.", null, advice);
    }

    private static IpcException NotUtf8() =>
        new(IpcErrors.InvalidData, "The message is marked as format Text, but it is not valid UTF-8.", null,
            "Receive with -Format Bytes to see what the sender sends.");
}
