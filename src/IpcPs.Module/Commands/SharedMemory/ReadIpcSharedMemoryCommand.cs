using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Read-IpcSharedMemory</c>: reads bytes, numbers, text and objects in shared memory.</summary>
[Cmdlet(VerbsCommunications.Read, "IpcSharedMemory", DefaultParameterSetName = ValueSet)]
[OutputType(typeof(byte[]), typeof(object))]
public sealed class ReadIpcSharedMemoryCommand : SharedMemoryCommand
{
    private const string ValueSet = "Value";
    private const string IntoSet = "Into";

    /// <summary>The type of the value. Without -As and -Count, all bytes from the offset on are returned as one array.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public IpcValueType? As { get; set; }

    /// <summary>How many values to return, as one array; for a String, how many bytes it has.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public long? Count { get; set; }

    /// <summary>A String ends at the first NUL, as in C, and has no length before it.</summary>
    [Parameter(ParameterSetName = ValueSet)]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>An array to fill, instead of a new one. Its type is the type of the values, its length how many are read.</summary>
    // Not declared as an array: PowerShell would box and check each element of a mandatory array. That takes 100 times the copy's time.
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
                throw IpcException.Argument($"-Into takes an array of numbers, characters or Booleans, not a {target.GetType().Name}.");
            }
            MemoryValues.For(type).ReadInto(memory, Offset, array);
            return;
        }
        if (NullTerminated && As != IpcValueType.String)
            throw IpcException.Argument("-NullTerminated needs -As String.", memory.Address.Text);
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
                if (Count is not null)
                    throw IpcException.Argument("-As Object takes no -Count: an object's length is stored before it.", memory.Address.Text);
                return ReadObject(memory);
            case null when Count is null:
                var rest = memory.Size - Offset;
                if (rest > Array.MaxLength)
                    throw IpcException.Argument($"'{memory.Address}' has {rest} bytes there, too many for an array: use -Count.");
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
            return new ObjectDecoder(PSObjectModel.Instance).Decode(bytes, StopToken);
        }
        catch (IpcException e) when (e.Id == IpcErrors.InvalidData)
        {
            throw new IpcException(e.Id, $"There is no object at offset {Offset} of '{memory.Address}': {e.Message}", memory.Address.Text,
                "Read it with the type that it was written with, or its bytes with -As Byte.", e);
        }
    }

    private static int ToCount(SharedMemorySegment memory, long count) =>
        count >= 0 && count <= Array.MaxLength
            ? (int)count
            : throw IpcException.Argument($"A count is 0 to {Array.MaxLength}, and this one is {count}.", memory.Address.Text);
}
