using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using IpcPs.Messaging;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Encodes .NET values as the payload of format Object (docs/wire-format.md). An instance is used for one message after another,
/// by one thread at a time, so that nothing is allocated for most messages. Property getters run on the caller's thread.</summary>
/// <example>
/// <code>
/// var encoder = new ObjectEncoder();
/// channel.Send(encoder.Encode(new { Name = "x", Size = 3 }).Span, new SendOptions { Format = IpcFormat.Object });
///
/// var message = new MessageBuffer();
/// channel.Receive(message);
/// var bag = (IpcPropertyBag)new ObjectDecoder().Decode(message.Payload)!;
/// </code>
/// </example>
public sealed partial class ObjectEncoder
{
    private static readonly object Level = new();

    private readonly CborBuffer _buffer = new();
    private readonly IObjectModel _model;
    private readonly object?[] _path;
    private List<string>? _warnings;
    private int _depth;
    private int _level;
    private uint _steps;
    private CancellationToken _cancellation;

    /// <summary>Creates an encoder.</summary>
    /// <param name="model">Writes the objects that format Object has no form for. If it is null, <see cref="ReflectionModel"/>
    /// does.</param>
    /// <param name="maxObjectDepth">How many levels of live objects are sent with their properties. 1 sends an object's own properties and
    /// the text of the objects in them. Lists, dictionaries and custom objects do not count, because scripts build them to be sent. They
    /// are followed to <see cref="CodecLimits.MaxDepth"/>.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the depth is less than 1.</exception>
    public ObjectEncoder(IObjectModel? model = null, int maxObjectDepth = CodecLimits.DefaultObjectDepth)
    {
        if (maxObjectDepth < 1) throw IpcException.Argument($"The object depth must be at least 1, and is {maxObjectDepth}.");
        _model = model ?? ReflectionModel.Instance;
        MaxObjectDepth = maxObjectDepth;
        _path = new object?[CodecLimits.MaxDepth];
    }

    /// <summary>How many levels of live objects are sent with their properties.</summary>
    public int MaxObjectDepth { get; }

    /// <summary>What was left out of the last message, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings ?? (IReadOnlyList<string>)[];

    /// <summary>Whether a live object at this depth is sent with its properties. If not, a model writes its text.</summary>
    public bool CanDescend => _level < MaxObjectDepth;

    /// <summary>Whether secrets may be encoded: a SecureString, the password of a credential. Nothing encrypts them. False by
    /// default.</summary>
    public bool AllowSecrets { get; init; }

    internal CborBuffer Buffer => _buffer;

    /// <summary>Encodes one value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="cancellation">Ends the encoding of a large value.</param>
    /// <returns>The payload. It is valid until the next call.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.MessageTooLarge"/>: the payload is larger than a message may be.
    /// <see cref="IpcErrors.SecretRefused"/>: the value contains a secret, and <see cref="AllowSecrets"/> is false.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ReadOnlyMemory<byte> Encode(object? value, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        _buffer.Clear();
        _warnings?.Clear();
        _depth = 0;
        _level = 0;
        try
        {
            Write(value);
        }
        finally
        {
            // Keeps no reference to the caller's objects, even if a model threw an exception.
            while (_depth > 0) _path[--_depth] = null;
        }
        return _buffer.Length <= IpcChannel.MaxStreamMessage ? _buffer.Memory : throw CodecLimits.TooLarge(_buffer.Length);
    }

    /// <summary>Writes one value of any type. For models.</summary>
    public void Write(object? value)
    {
        if ((++_steps & 255) == 0) _cancellation.ThrowIfCancellationRequested();
        if (value is null) _buffer.Byte(CborSimple.Null);
        else if (value is string text) _buffer.Text(text);
        else if (value is int number) _buffer.Integer(number);
        else WriteOther(value);
    }

    /// <summary>Begins a custom object without type names.</summary>
    /// <param name="identity">The object, to detect that it contains itself.</param>
    /// <param name="bag">Writes the properties.</param>
    /// <returns>False if the object was left out, because it contains itself or is nested too deeply. A mark was written in its
    /// place.</returns>
    public bool BeginBag(object identity, out PropertyBagWriter bag)
    {
        bag = default;
        if (!Enter(identity)) return false;
        _buffer.Tag(CborTags.Bag);
        bag = new PropertyBagWriter(this, isCopy: false);
        return true;
    }

    /// <summary>Begins a custom object with type names.</summary>
    /// <param name="identity">The object, to detect that it contains itself.</param>
    /// <param name="typeNames">Its type names, most specific first.</param>
    /// <param name="bag">Writes the properties.</param>
    /// <returns>False if the object was left out, because it contains itself or is nested too deeply. A mark was written in its
    /// place.</returns>
    public bool BeginNamedBag(object identity, IReadOnlyList<string> typeNames, out PropertyBagWriter bag)
    {
        bag = default;
        if (!Enter(identity)) return false;
        _buffer.Tag(CborTags.NamedBag);
        _buffer.Head(CborMajor.Array, 2);
        WriteNames(typeNames);
        bag = new PropertyBagWriter(this, isCopy: false);
        return true;
    }

    /// <summary>Begins the copy of a live object.</summary>
    /// <param name="identity">The object, to detect that it contains itself.</param>
    /// <param name="typeNames">Its type names, most specific first, without "Deserialized.".</param>
    /// <param name="text">What its ToString returns; null if that says nothing.</param>
    /// <param name="bag">Writes the properties.</param>
    /// <returns>False if the object was left out, because it contains itself or is nested too deeply. A mark was written in its
    /// place.</returns>
    public bool BeginObject(object identity, IReadOnlyList<string> typeNames, string? text, out PropertyBagWriter bag)
    {
        bag = default;
        if (!Enter(identity)) return false;
        _level++;
        _buffer.Tag(CborTags.Object);
        _buffer.Head(CborMajor.Array, 3);
        WriteNames(typeNames);
        Write(text);
        bag = new PropertyBagWriter(this, isCopy: true);
        return true;
    }

    /// <summary>Writes a value, and begins the properties that were added to it.</summary>
    /// <param name="value">The value. It is of a type that format Object has a form for.</param>
    /// <param name="typeNames">The type names that were added to it.</param>
    /// <param name="bag">Writes the properties.</param>
    /// <returns>False if the value was left out, because it is nested too deeply. A mark was written in its place.</returns>
    public bool BeginExtended(object value, IReadOnlyList<string> typeNames, out PropertyBagWriter bag)
    {
        bag = default;
        // Only a level: if the value is a container, Write() checks that it does not contain itself.
        if (!Enter(Level)) return false;
        _buffer.Tag(CborTags.Extended);
        _buffer.Head(CborMajor.Array, 3);
        Write(value);
        WriteNames(typeNames);
        bag = new PropertyBagWriter(this, isCopy: false);
        return true;
    }

    /// <summary>Writes the text of a script block.</summary>
    public void WriteScriptText(string text)
    {
        _buffer.Tag(CborTags.ScriptText);
        _buffer.Text(text);
    }

    /// <summary>Adds a warning about this message, for its sender. Of many warnings, only the first are kept.</summary>
    public void Warn(string warning)
    {
        _warnings ??= [];
        if (_warnings.Count < CodecLimits.MaxWarnings && !_warnings.Contains(warning)) _warnings.Add(warning);
    }

    internal void EndBag(int begin, int count, bool isCopy)
    {
        _buffer.EndItems(begin, count);
        if (isCopy) _level--;
        Exit();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteOther(object value)
    {
        switch (value)
        {
            case bool flag:
                _buffer.Byte(flag ? CborSimple.True : CborSimple.False);
                break;
            case double number:
                _buffer.Reserve(9)[0] = CborSimple.Double;
                BinaryPrimitives.WriteDoubleBigEndian(_buffer.Reserve(9)[1..], number);
                _buffer.Advance(9);
                break;
            case long number:
                if (number is >= int.MinValue and <= int.MaxValue) _buffer.Tag(CborTags.Int64);
                _buffer.Integer(number);
                break;
            case DateTime time:
                TimeCodec.Write(_buffer, time);
                break;
            case decimal number:
                WriteDecimal(number);
                break;
            // Exact types: to the runtime an sbyte[] is a byte[] too, and so is an array of an enum over bytes.
            case byte[] bytes when bytes.GetType() == typeof(byte[]):
                _buffer.Bytes(bytes);
                break;
            case object?[] array when array.GetType() == typeof(object[]):
                WriteItems(array);
                break;
            case Enum live:
                WriteEnum(live.GetType().FullName ?? "System.Enum", live.ToString(), IpcEnum.ToNumber(live));
                break;
            default:
                if (!TryWriteScalar(value) && !TryWriteContainer(value)) WriteByModel(value);
                break;
        }
    }

    private void WriteByModel(object value)
    {
        var before = _buffer.Length;
        _model.Write(this, value);
        if (_buffer.Length == before) throw new InvalidOperationException($"{_model.GetType()} wrote nothing for a {value.GetType()}.");
    }
}
