using System.Globalization;
using System.Management.Automation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Update-IpcSharedMemory</c>: changes a 32-bit or 64-bit number in shared memory atomically.</summary>
[Cmdlet(VerbsData.Update, "IpcSharedMemory")]
[OutputType(typeof(int), typeof(long))]
public sealed class UpdateIpcSharedMemoryCommand : SharedMemoryCommand
{
    private const string AddSet = "Add";
    private const string ExchangeSet = "Exchange";
    private const string CompareSet = "CompareExchange";

    /// <summary>The number to add. The sum is returned.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AddSet)]
    public long Add { get; set; }

    /// <summary>The new value. The old one is returned.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ExchangeSet)]
    public long Exchange { get; set; }

    /// <summary>The new value, if the old one is -Expected. The old one is returned.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CompareSet)]
    public long CompareExchange { get; set; }

    /// <summary>The value that must be there.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CompareSet)]
    public long Expected { get; set; }

    /// <summary>The type of the number: Int32 (default) or Int64. The offset must be a multiple of its size.</summary>
    [Parameter]
    [ValidateSet("Int32", "Int64")]
    public IpcValueType As { get; set; } = IpcValueType.Int32;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var memory = OpenMemory(IpcAccess.ReadWrite);
        object result = As == IpcValueType.Int64 ? Update64(memory) : (object)Update32(memory);
        memory.Wake(Offset);
        WriteObject(result);
    });

    private long Update64(SharedMemorySegment memory) => ParameterSetName switch
    {
        AddSet => memory.Add(Offset, Add),
        ExchangeSet => memory.Exchange(Offset, Exchange),
        _ => memory.CompareExchange(Offset, CompareExchange, Expected),
    };

    private int Update32(SharedMemorySegment memory) => ParameterSetName switch
    {
        AddSet => memory.Add(Offset, To32(Add)),
        ExchangeSet => memory.Exchange(Offset, To32(Exchange)),
        _ => memory.CompareExchange(Offset, To32(CompareExchange), To32(Expected)),
    };

    private static int To32(long value) =>
        value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw IpcException.Argument(string.Create(CultureInfo.InvariantCulture, $"{value} is not a 32-bit number: use -As Int64."));
}
