using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using IpcPs.Messaging;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Turns .NET values into the payload of format Object (docs/wire-format.md). Reused from one message to the next, so that nothing is
/// allocated for the usual one; not shared between threads. Property getters run on the caller's thread.</summary>
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
    private readonly CborBuffer _buffer = new();
    private readonly IObjectModel _model;
    private readonly object?[] _path;
    private List<string>? _warnings;
    private int _depth;
    private int _level;

    /// <summary>Creates an encoder.</summary>
    /// <param name="model">What becomes of objects that CBOR has no word for; null for <see cref="ReflectionModel"/>.</param>
    /// <param name="maxObjectDepth">How deep the properties of live objects are followed: 1 sends an object's own properties and the text of what they hold.
    /// Lists, dictionaries and custom objects, which someone built to be sent, are followed to <see cref="CodecLimits.MaxDepth"/> whatever this is.</param>
    public ObjectEncoder(IObjectModel? model = null, int maxObjectDepth = CodecLimits.DefaultObjectDepth)
    {
        if (maxObjectDepth < 1) throw IpcException.Argument($"An object depth of {maxObjectDepth} would send no properties at all; 1 is the least.");
        _model = model ?? ReflectionModel.Instance;
        MaxObjectDepth = maxObjectDepth;
        _path = new object?[CodecLimits.MaxDepth];
    }

    /// <summary>How deep the properties of live objects are followed.</summary>
    public int MaxObjectDepth { get; }

    /// <summary>What was cut from the last message, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings ?? (IReadOnlyList<string>)[];

    /// <summary>Whether the properties of a live object at this place may still be sent; where not, a model writes its text.</summary>
    public bool CanDescend => _level < MaxObjectDepth;

    internal CborBuffer Buffer => _buffer;

    /// <summary>Encodes one value.</summary>
    /// <returns>The payload, valid until the next call.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public ReadOnlyMemory<byte> Encode(object? value)
    {
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
            // Holds on to nothing of the caller's, even where a model threw.
            while (_depth > 0) _path[--_depth] = null;
        }
        return _buffer.Length <= IpcChannel.MaxStreamMessage ? _buffer.Memory : throw CodecLimits.TooLarge(_buffer.Length);
    }

    /// <summary>Writes one value, whatever it is: for models.</summary>
    public void Write(object? value)
    {
        if (value is null) _buffer.Byte(CborSimple.Null);
        else if (value is string text) _buffer.Text(text);
        else if (value is int number) _buffer.Integer(number);
        else WriteOther(value);
    }

    /// <summary>Begins a custom object: a bag without type names.</summary>
    /// <param name="identity">The object itself, by which a cycle is noticed.</param>
    /// <param name="bag">Takes the properties.</param>
    /// <returns>False where it was cut because it contains itself or lies too deep; a mark was written in its place.</returns>
    public bool BeginBag(object identity, out PropertyBagWriter bag)
    {
        bag = default;
        if (!Enter(identity)) return false;
        _buffer.Tag(CborTags.Bag);
        bag = new PropertyBagWriter(this, isCopy: false);
        return true;
    }

    /// <summary>Begins a custom object that has type names of its own.</summary>
    /// <inheritdoc cref="BeginBag"/>
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
    /// <param name="identity">The object itself, by which a cycle is noticed.</param>
    /// <param name="typeNames">Its type names, most specific first, without "Deserialized.".</param>
    /// <param name="text">Its ToString; null for none.</param>
    /// <param name="bag">Takes the properties.</param>
    /// <returns>False where it was cut because it contains itself or lies too deep; a mark was written in its place.</returns>
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

    /// <summary>Begins a value that has properties or type names added to it: the value is written, the properties follow.</summary>
    /// <param name="value">The value, which the codec must know.</param>
    /// <param name="typeNames">Further type names, or none.</param>
    /// <param name="bag">Takes the properties.</param>
    /// <returns>False where it lies too deep; a mark was written in its place.</returns>
    public bool BeginDecorated(object value, IReadOnlyList<string> typeNames, out PropertyBagWriter bag)
    {
        bag = default;
        // The value itself enters under its own identity; here it is only a level.
        if (!Enter(Level)) return false;
        _buffer.Tag(CborTags.Decorated);
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

    /// <summary>Says something about the message that its sender should know.</summary>
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

    private static readonly object Level = new();

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
                RareNumbers.Write(_buffer, number);
                break;
            case byte[] bytes:
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
