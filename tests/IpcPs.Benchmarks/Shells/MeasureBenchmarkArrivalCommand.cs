using System.Diagnostics;
using System.Management.Automation;

namespace IpcPs.Benchmarks.Shells;

/// <summary>How many objects a second arrived: the first that is piped in is the time (Stopwatch.GetTimestamp) when its sender began, the
/// others are counted. With -Skip, the time begins with the object after those.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "BenchmarkArrival")]
public sealed class MeasureBenchmarkArrivalCommand : PSCmdlet
{
    private long _begin;
    private long _last;
    private int _count;

    /// <summary>An object.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    public PSObject InputObject { get; set; } = null!;

    /// <summary>How many objects come before the clock starts; none of them is a time.</summary>
    [Parameter]
    public int Skip { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Skip > 0)
        {
            if (--Skip == 0) _begin = Stopwatch.GetTimestamp();
            return;
        }
        if (_begin == 0) _begin = (long)InputObject.BaseObject;
        else _count++;
        _last = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => WriteObject(_count / Stopwatch.GetElapsedTime(_begin, _last).TotalSeconds);
}
