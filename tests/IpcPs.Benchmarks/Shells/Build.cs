using System.Reflection;

namespace IpcPs.Benchmarks.Shells;

/// <summary>Where the build put what is measured.</summary>
internal static class Build
{
    /// <summary>The manifest that users import.</summary>
    public static string Manifest { get; } = Path.Combine(Metadata("RepositoryRoot"), "IpcPs.psd1");

    /// <summary>The console host of this build.</summary>
    public static string Host { get; } = Metadata("Host");

    private static string Metadata(string key) =>
        typeof(Build).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!;
}
