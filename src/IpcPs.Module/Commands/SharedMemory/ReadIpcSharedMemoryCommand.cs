using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Read-IpcSharedMemory</c>: bytes, numbers, arrays of numbers, text and objects, in place.</summary>
[Cmdlet(VerbsCommunications.Read, "IpcSharedMemory", DefaultParameterSetName = ValueSet)]
[OutputType(typeof(byte[]), typeof(object))]
public sealed class ReadIpcSharedMemoryCommand : SharedMemoryCommand
{
    private const string ValueSet = "Value";
    private const string IntoSet = "Into";

    /// <summary>What the bytes are. Without it and without -Count: all bytes from the offset on, as one array.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public IpcValueType? As { get; set; }

    /// <summary>How many values, which are then given as one array; of a String, how many bytes it has.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public long? Count { get; set; }

    /// <summary>A String ends at the first NUL, as C's do, instead of beginning with its length.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>An array to fill, instead of making a new one: its type says what the bytes are, its length how many.</summary>
    // Not declared as an array: of a mandatory one PowerShell looks at each element, boxed, which takes a hundred times as long as the copy.
    [Parameter(Mandatory = true, ParameterSetName = IntoSet)]
    public object Into { get; set; } = null!;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var memory = OpenMemory(IpcAccess.Read);
        if (ParameterSetName == IntoSet)
        {
            var target = Into is PSObject wrapped ? wrapped.BaseObject : Into;
            if (target is not Array array || MemoryValues.TypeOf(array) is not { } type)
            {
                throw IpcException.Argument($"-Into takes an array of numbers, characters or Booleans, and not a {target.GetType().Name}.", memory.Address.Text);
            }
            MemoryValues.For(type).ReadInto(memory, Offset, array);
            return;
        }
        if (NullTerminated && As != IpcValueType.String) throw IpcException.Argument("-NullTerminated goes with -As String.", memory.Address.Text);
        WriteObject(Read(memory), enumerateCollection: false);
    });

    private object? Read(SharedMemorySegment memory)
    {
        switch (As)
        {
            case IpcValueType.String when NullTerminated:
                return memory.ReadTerminatedText(Offset, Count ?? -1);
            case IpcValueType.String:
                return Count is null ? memory.ReadPrefixedText(Offset) : memory.ReadText(Offset, ToCount(memory, Count.Value));
            case IpcValueType.Object:
                if (Count is not null) throw IpcException.Argument("-Count does not go with -As Object: an object stands behind its own length.", memory.Address.Text);
                return ReadObject(memory);
            case null when Count is null:
                var rest = memory.Size - Offset;
                if (rest > Array.MaxLength) throw IpcException.Argument($"'{memory.Address}' has {rest} bytes there, more than one array can have: give -Count.", memory.Address.Text);
                return rest >= 0 ? MemoryValues.For(IpcValueType.Byte).ReadMany(memory, Offset, (int)rest) : memory.Read<byte>(Offset);
            default:
                var values = MemoryValues.For(As ?? IpcValueType.Byte);
                return Count is { } count ? values.ReadMany(memory, Offset, ToCount(memory, count)) : values.ReadOne(memory, Offset);
        }
    }

    private object? ReadObject(SharedMemorySegment memory)
    {
        var bytes = memory.ReadPrefixedBytes(Offset);
        try
        {
            return new ObjectDecoder(PSObjectModel.Instance).Decode(bytes);
        }
        catch (IpcException e) when (e.Id == IpcErrors.InvalidData)
        {
            throw new IpcException(e.Id, $"At offset {Offset} of '{memory.Address}' no object begins: {e.Message}", memory.Address.Text, "Read it as what was written there, or its bytes with -As Byte.", e);
        }
    }

    private static int ToCount(SharedMemorySegment memory, long count) =>
        count is >= 0 && count <= Array.MaxLength ? (int)count : throw IpcException.Argument($"A count is 0 to {Array.MaxLength}, and {count} is not.", memory.Address.Text);
}
