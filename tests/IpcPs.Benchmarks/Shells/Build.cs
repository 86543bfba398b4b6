using System.Reflection;

namespace IpcPs.Benchmarks.Shells;

/// <summary>Where the build put what is measured.</summary>
internal static class Build
{
    /// <summary>The manifest that users import.</summary>
    public static string Manifest { get; } = Path.Combine(Metadata("RepositoryRoot"), "IpcPs.psd1");

    /// <summary>The command that starts the pwsh that the restore brings.</summary>
    public static string[] Pwsh { get; } = [Metadata("Dotnet"), Metadata("Pwsh")];

    private static string Metadata(string key) =>
        typeof(Build).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!;
}
