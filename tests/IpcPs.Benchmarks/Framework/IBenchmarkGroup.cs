namespace IpcPs.Benchmarks.Framework;

/// <summary>The comparisons of one mechanism; found by reflection, so that a new folder is enough.</summary>
internal interface IBenchmarkGroup
{
    IEnumerable<Comparison> Comparisons { get; }
}
