using System.Collections;
using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Write-IpcSharedMemory</c>: bytes, numbers, arrays of numbers, text and objects, in place.</summary>
[Cmdlet(VerbsCommunications.Write, "IpcSharedMemory")]
[OutputType(typeof(long))]
public sealed class WriteIpcSharedMemoryCommand : SharedMemoryCommand
{
    private SharedMemorySegment? _memory;
    private MessageEncoder? _encoder;
    private long _at;

    /// <summary>What is written. Several from the pipeline stand one behind the other.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>What it is written as; by default what it is: numbers and arrays of numbers as such, a string as String, anything else as Object.</summary>
    [Parameter]
    public IpcValueType? As { get; set; }

    /// <summary>A String is followed by a NUL, as C's are, instead of standing behind its length.</summary>
    [Parameter]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>A String fills that many bytes, with zeros at its end, and has neither length nor NUL of its own.</summary>
    [Parameter]
    public int? Count { get; set; }

    /// <summary>Gives the offset behind what was written.</summary>
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
        // Whoever waits for a cell that begins here is to see it.
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
        if ((NullTerminated || Count is not null) && type != IpcValueType.String) throw IpcException.Argument("-NullTerminated and -Count go with -As String.", memory.Address.Text);
        switch (type)
        {
            case IpcValueType.String:
                if (NullTerminated && Count is not null) throw IpcException.Argument("-NullTerminated and -Count exclude each other.", memory.Address.Text);
                var text = ValueText.Of(value);
                return NullTerminated ? memory.WriteTerminatedText(_at, text) : Count is { } count ? memory.WriteText(_at, text, count) : memory.WritePrefixedText(_at, text);
            case IpcValueType.Object:
                _encoder ??= new MessageEncoder(IpcFormat.Object);
                var written = memory.WritePrefixedBytes(_at, _encoder.Encode(value));
                foreach (var warning in _encoder.Warnings) WriteWarning(warning);
                return written;
            default:
                return MemoryValues.For(type).Write(memory, _at, value);
        }
    }

    // A list keeps its wrapping: only then is it one value.
    private static object? Unwrap(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped && (MemoryValues.TypeOf(wrapped.BaseObject) is not null || wrapped.BaseObject is IEnumerable) ? wrapped.BaseObject : value;
}
