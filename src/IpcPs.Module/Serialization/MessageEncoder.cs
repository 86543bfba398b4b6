using System.Management.Automation;
using System.Text;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Turns PowerShell values into the bytes of messages, in one format. Reused from one message to the next; to be called on the pipeline's
/// thread, because property getters may be script.</summary>
/// <param name="format">Which; Auto counts as Object.</param>
/// <param name="depth">Objects only: how deep the properties of live objects are followed.</param>
internal sealed class MessageEncoder(IpcFormat format, int depth = CodecLimits.DefaultObjectDepth)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly ObjectEncoder? _objects = format is IpcFormat.Object or IpcFormat.Auto ? new ObjectEncoder(PSObjectModel.Instance, depth) : null;
    private readonly JsonEncoder? _json = format == IpcFormat.Json ? new JsonEncoder(depth) : null;
    private byte[] _text = [];

    /// <summary>What the bytes are: what goes into <see cref="SendOptions.Format"/>.</summary>
    public IpcFormat Format { get; } = format == IpcFormat.Auto ? IpcFormat.Object : format;

    /// <summary>What was cut from the last value (cycles, depth), one sentence each; empty for the usual one.</summary>
    public IReadOnlyList<string> Warnings => _objects?.Warnings ?? _json?.Warnings ?? [];

    /// <summary>Encodes one value.</summary>
    /// <returns>Its bytes, valid until the next call.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/> (a value that the format has no form for), <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public ReadOnlySpan<byte> Encode(object? value)
    {
        try
        {
            if (_objects is not null) return _objects.Encode(value).Span;
            if (_json is not null) return _json.Encode(value);
            return Format == IpcFormat.Text ? EncodeText(value) : ByteSource.From(value);
        }
        catch (Exception e) when (e is not (IpcException or PipelineStoppedException or OperationCanceledException or OutOfMemoryException))
        {
            // An enumerator that fails, a collection that another thread changes: this message's error and not the command's end.
            throw new IpcException(IpcErrors.InvalidArgument, $"A {TypeOf(value)} could not be read: {e.Message}", inner: e);
        }
    }

    private static string TypeOf(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value)?.GetType().ToString() ?? "null";

    private ReadOnlySpan<byte> EncodeText(object? value)
    {
        var text = ValueText.Of(value);
        var room = Strict.GetMaxByteCount(text.Length);
        if (_text.Length < room) _text = new byte[Math.Max(room, 256)];
        try
        {
            return _text.AsSpan(0, Strict.GetBytes(text, _text));
        }
        catch (EncoderFallbackException)
        {
            throw new IpcException(IpcErrors.InvalidArgument, "The text has half of a surrogate pair in it, which UTF-8 has no form for.", null,
                "Send it with -Format Object, which keeps any string as it is.");
        }
    }
}
