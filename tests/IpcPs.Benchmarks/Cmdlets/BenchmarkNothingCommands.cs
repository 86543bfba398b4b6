using System.Management.Automation;

namespace IpcPs.Benchmarks.Cmdlets;

/// <summary>Does nothing, with the parameters of Send-IpcMessage.</summary>
[Cmdlet(VerbsCommunications.Send, "BenchmarkNothing", DefaultParameterSetName = "Channel")]
public sealed class SendBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Channel")]
    public object? Channel { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    [ValidateSet("Object", "Text", "Json", "Bytes")]
    public string Format { get; set; } = "Object";

    /// <summary>Ignored.</summary>
    [Parameter]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public object[]? Handle { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter AllowUnencryptedSecret { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public ConsoleColor Delimiter { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public int? Priority { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter Close { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Reply")]
    public object? ReplyTo { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
    }
}

/// <summary>Gives one object, with the parameters of Receive-IpcMessage.</summary>
[Cmdlet(VerbsCommunications.Receive, "BenchmarkNothing", DefaultParameterSetName = "Count")]
public sealed class ReceiveBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public object[]? Channel { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(ParameterSetName = "Count")]
    public long Count { get; set; } = 1;

    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "All")]
    public SwitchParameter All { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public ConsoleColor Format { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public ConsoleColor Delimiter { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public long? Type { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter ExceptType { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter Peek { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter Envelope { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter Connection { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => WriteObject(1);
}

/// <summary>Does nothing, with the parameters of Lock-IpcObject.</summary>
[Cmdlet(VerbsCommon.Lock, "BenchmarkNothing")]
public sealed class LockBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public object? InputObject { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public int Count { get; set; } = 1;

    /// <summary>Ignored.</summary>
    [Parameter]
    public int Index { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public TimeSpan? Timeout { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
    }
}

/// <summary>Does nothing, with the parameters of Unlock-IpcObject.</summary>
[Cmdlet(VerbsCommon.Unlock, "BenchmarkNothing")]
public sealed class UnlockBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public object? InputObject { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public int Count { get; set; } = 1;

    /// <summary>Ignored.</summary>
    [Parameter]
    public int Index { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NoUndo { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
    }
}

/// <summary>Does nothing, with the parameters of Write-IpcSharedMemory.</summary>
[Cmdlet(VerbsCommunications.Write, "BenchmarkNothing")]
public sealed class WriteBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public object? Memory { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public long Offset { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public object? InputObject { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public TypeCode? As { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public int? Count { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter AllowUnencryptedSecret { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
    }
}

/// <summary>Gives one object, with the parameters of Read-IpcSharedMemory.</summary>
[Cmdlet(VerbsCommunications.Read, "BenchmarkNothing", DefaultParameterSetName = "Value")]
public sealed class ReadBenchmarkNothingCommand : PSCmdlet
{
    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public object? Memory { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter]
    public long Offset { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(ParameterSetName = "Value")]
    public TypeCode? As { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(ParameterSetName = "Value")]
    public long? Count { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(ParameterSetName = "Value")]
    public SwitchParameter NullTerminated { get; set; }

    /// <summary>Ignored.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Into")]
    public object? Into { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => WriteObject(1);
}
