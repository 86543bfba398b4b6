using System.Globalization;
using System.Management.Automation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>Update-IpcSharedMemory</c>: changes a 32-bit or 64-bit cell in one piece, whoever else changes it at the same time.</summary>
[Cmdlet(VerbsData.Update, "IpcSharedMemory")]
[OutputType(typeof(int), typeof(long))]
public sealed class UpdateIpcSharedMemoryCommand : SharedMemoryCommand
{
    private const string AddSet = "Add";
    private const string ExchangeSet = "Exchange";
    private const string CompareSet = "CompareExchange";

    /// <summary>Adds this and gives the sum.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AddSet)]
    public long Add { get; set; }

    /// <summary>Puts this there and gives what was there before.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ExchangeSet)]
    public long Exchange { get; set; }

    /// <summary>Puts this there if -Expected is there, and gives what was there before.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CompareSet)]
    public long CompareExchange { get; set; }

    /// <summary>What must be there.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CompareSet)]
    public long Expected { get; set; }

    /// <summary>The cell: Int32 (default) or Int64. An offset is a multiple of its size.</summary>
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
        value is >= int.MinValue and <= int.MaxValue ? (int)value : throw IpcException.Argument(string.Create(CultureInfo.InvariantCulture, $"{value} does not fit a 32-bit cell; use -As Int64."));
}
