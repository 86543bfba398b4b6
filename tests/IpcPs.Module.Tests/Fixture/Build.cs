using System.Reflection;

namespace IpcPs.Module.Tests;

/// <summary>Where the build put what the tests start.</summary>
internal static class Build
{
    /// <summary>The repository's root, with a slash at the end.</summary>
    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    /// <summary>The manifest that users import.</summary>
    public static string Manifest { get; } = Path.Combine(RepositoryRoot, "IpcPs.psd1");

    /// <summary>A folder with <c>pwsh</c> in it, the one that the restore brings.</summary>
    public static string PwshFolder { get; } = Metadata("PwshFolder");

    private static string Metadata(string key) =>
        typeof(Build).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!;
}
