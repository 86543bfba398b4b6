using System.Collections;
using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.Module.Transformation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Write-IpcSharedMemory</c>: writes bytes, numbers, text and objects in shared memory.</summary>
[Cmdlet(VerbsCommunications.Write, "IpcSharedMemory")]
[OutputType(typeof(long))]
public sealed class WriteIpcSharedMemoryCommand : SharedMemoryCommand
{
    private SharedMemorySegment? _memory;
    private MessageEncoder? _encoder;
    private long _at;

    /// <summary>The value to write. Several from the pipeline are written one after the other.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>The type to write. By default numbers, arrays of numbers and strings have their own type; the rest is Object.</summary>
    [Parameter]
    public IpcValueType? As { get; set; }

    /// <summary>A String ends with a NUL, as in C, and has no length before it.</summary>
    [Parameter]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>A String fills this many bytes, padded with zeros, and has no length before it.</summary>
    [Parameter]
    public int? Count { get; set; }

    /// <summary>Writes secrets, such as a PSCredential, although nothing encrypts them.</summary>
    [Parameter]
    public SwitchParameter AllowUnencryptedSecret { get; set; }

    /// <summary>Returns the offset after the written value.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        _memory = Require(() => OpenMemory(IpcAccess.ReadWrite));
        _at = Offset;
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var begin = _at;
        _at += Write(_memory!, Unwrap(InputObject));
        // Wakes the processes that wait for a cell at this offset.
        if (_at > begin && begin % 4 == 0 && begin + 4 <= _memory!.Size) _memory.Wake(begin);
    });

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (PassThru) WriteObject(_at);
    }

    private long Write(SharedMemorySegment memory, object? value)
    {
        var type = As ?? MemoryValues.TypeOf(value) ?? IpcValueType.Object;
        if ((NullTerminated || Count is not null) && type != IpcValueType.String)
            throw IpcException.Argument("-NullTerminated and -Count need -As String.", memory.Address.Text);
        switch (type)
        {
            case IpcValueType.String:
                var text = ValueText.Of(value);
                if (Count is not { } count)
                    return NullTerminated ? memory.WriteTerminatedText(_at, text) : memory.WritePrefixedText(_at, text);
                return NullTerminated
                    ? throw IpcException.Argument("-NullTerminated and -Count exclude each other.", memory.Address.Text)
                    : memory.WriteText(_at, text, count);
            case IpcValueType.Object:
                _encoder ??= new MessageEncoder(IpcFormat.Object, allowSecrets: AllowUnencryptedSecret);
                var written = memory.WritePrefixedBytes(_at, _encoder.Encode(value, StopToken));
                foreach (var warning in _encoder.Warnings) WriteWarning(warning);
                return written;
            default:
                return MemoryValues.For(type).Write(memory, _at, value);
        }
    }

    // Other objects stay wrapped, because the PSObject may have properties of its own.
    private static object? Unwrap(object? value) =>
        Unwrapped.Value(value) is { } plain && (MemoryValues.TypeOf(plain) is not null || plain is IEnumerable) ? plain : value;
}
