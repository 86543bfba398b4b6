using System.Management.Automation;
using IpcPs.Measurement;

namespace IpcPs.Module.Commands.Measurement;

/// <summary><c>Measure-IpcMechanism</c>: how fast each mechanism is on this machine.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "IpcMechanism")]
[OutputType(typeof(MechanismMeasurement), typeof(string))]
public sealed class MeasureIpcMechanismCommand : IpcCmdlet
{
    private const int SignalSize = sizeof(long);

    private static readonly int[] DefaultSizes = [100, 4096, 65536];

    private MeasurementChild? _child;
    private MechanismMeter? _meter;

    /// <summary>The mechanisms; all by default.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public MeasuredMechanism[]? Kind { get; set; }

    /// <summary>Bytes a message; 100, 4096 and 65536 by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ValidateRange(1, 1 << 20)]
    public int[]? Size { get; set; }

    /// <summary>How many round trips, and how many messages one way; by default what takes about a tenth of a second.</summary>
    [Parameter]
    [ValidateRange(1, 10_000_000)]
    public int? Count { get; set; }

    /// <summary>Returns a chart instead of objects: Svg.</summary>
    [Parameter]
    [ValidateSet("Svg")]
    public string? As { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        // A signal has one size only.
        var steps = (Kind ?? Enum.GetValues<MeasuredMechanism>()).Distinct()
            .SelectMany(k => k == MeasuredMechanism.Signal ? [(k, SignalSize)] : (Size ?? DefaultSizes).Distinct().Select(s => (k, s)))
            .ToList();
        var measured = new List<MechanismMeasurement>();
        var progress = new ProgressRecord(0, "Measuring mechanisms between two processes", "Starting the other process");
        WriteProgress(progress);
        for (var i = 0; i < steps.Count; i++)
        {
            var (kind, size) = steps[i];
            progress.StatusDescription = $"{kind}, {size} bytes";
            progress.PercentComplete = 100 * i / steps.Count;
            WriteProgress(progress);
            if (MeasureOne(kind, size) is not { } one) continue;
            measured.Add(one);
            if (As is null) WriteObject(one);
        }
        progress.RecordType = ProgressRecordType.Completed;
        WriteProgress(progress);
        if (As is not null) WriteObject(MeasurementChart.Draw(measured));
    });

    // What this machine lacks, or a size that a mechanism does not carry, is no reason to leave out the rest.
    private MechanismMeasurement? MeasureOne(MeasuredMechanism kind, int size)
    {
        if (_child is null)
        {
            _child = new MeasurementChild();
            _meter = new MechanismMeter(_child.Control, _child.Id);
        }
        try
        {
            return _meter!.Measure(kind, size, Count, StopToken);
        }
        catch (IpcException e)
        {
            WriteWarning($"{kind} with {size} bytes is not measured: {e.Message}");
            // It may wait for the rest of what failed. Where nothing was begun, it does not.
            if (e.Id != IpcErrors.MessageTooLarge) EndChild();
            return null;
        }
    }

    private void EndChild()
    {
        _child?.Dispose();
        _child = null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) EndChild();
        base.Dispose(disposing);
    }
}
