using System.Management.Automation;
using System.Text;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Encodes PowerShell values in one format. An instance is used for one message after another, on the pipeline's thread, because
/// property getters may be script.</summary>
/// <param name="format">The format. Auto counts as Object.</param>
/// <param name="depth">For Object and Json: how many levels of live objects are sent with their properties.</param>
/// <param name="allowSecrets">For Object and Json: whether secrets may be sent.</param>
internal sealed class MessageEncoder(IpcFormat format, int depth = CodecLimits.DefaultObjectDepth, bool allowSecrets = false)
{
    // A text of more characters gets memory of its own.
    private const int LongText = 64 * 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly ObjectEncoder? _objects = format is IpcFormat.Object or IpcFormat.Auto
        ? new ObjectEncoder(PSObjectModel.Instance, depth) { AllowSecrets = allowSecrets }
        : null;
    private readonly JsonEncoder? _json = format == IpcFormat.Json ? new JsonEncoder(depth, allowSecrets) : null;
    private byte[] _text = [];

    /// <summary>The format of the bytes, for <see cref="SendOptions.Format"/>.</summary>
    public IpcFormat Format { get; } = format == IpcFormat.Auto ? IpcFormat.Object : format;

    /// <summary>What was left out of the last value, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _objects?.Warnings ?? _json?.Warnings ?? [];

    /// <summary>Encodes one value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="cancellation">Ends the encoding of a large value.</param>
    /// <returns>Its bytes. They are valid until the next call.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the format has no form for the value, or reading it failed.
    /// <see cref="IpcErrors.MessageTooLarge"/>: the bytes are more than a message may have.</exception>
    public ReadOnlySpan<byte> Encode(object? value, CancellationToken cancellation = default)
    {
        try
        {
            if (_objects is not null) return _objects.Encode(value, cancellation).Span;
            if (_json is not null) return _json.Encode(value, cancellation);
            return Format == IpcFormat.Text ? EncodeText(value) : ByteSource.From(value, cancellation);
        }
        catch (Exception e) when (e is not (IpcException or PipelineStoppedException or OperationCanceledException or OutOfMemoryException))
        {
            // An enumerator failed, or another thread changed a collection. That fails this message. The next one can still be sent.
            throw new IpcException(IpcErrors.InvalidArgument, $"A {TypeOf(value)} could not be read: {e.Message}", inner: e);
        }
    }

    private static string TypeOf(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value)?.GetType().ToString() ?? "null";

    private ReadOnlySpan<byte> EncodeText(object? value)
    {
        var text = ValueText.Of(value);
        try
        {
            // In no more memory than it needs, which is not kept.
            if (text.Length > LongText) return ByteSource.TextBytes(text);
            var capacity = Strict.GetMaxByteCount(text.Length);
            if (_text.Length < capacity) _text = new byte[Math.Max(capacity, 256)];
            return _text.AsSpan(0, Strict.GetBytes(text, _text));
        }
        catch (EncoderFallbackException)
        {
            throw ByteSource.UnpairedSurrogate();
        }
    }
}
