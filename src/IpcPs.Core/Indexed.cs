namespace IpcPs;

/// <summary>Lists for properties. The list that the compiler makes of a collection expression has no index that PowerShell finds:
/// <c>$job.Workers[0]</c> would be all of them.</summary>
public static class Indexed
{
    /// <summary>The same values in an array, which has one.</summary>
    public static IReadOnlyList<T> Of<T>(IEnumerable<T> values) => values as T[] ?? values.ToArray();
}
