using System.Reflection;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>Where the build put what the tests start.</summary>
internal static class Build
{
    /// <summary>The repository's root, with a slash at the end.</summary>
    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    /// <summary>The manifest that users import.</summary>
    public static string Manifest { get; } = Path.Combine(RepositoryRoot, "IpcPs.psd1");

    /// <summary>Debug or Release.</summary>
    public static string Configuration { get; } = Metadata("Configuration");

    /// <summary>The dotnet that built this.</summary>
    public static string Dotnet { get; } = Metadata("Dotnet");

    /// <summary>The pwsh that the restore brings, for dotnet.</summary>
    public static string PwshDll { get; } = Metadata("PwshDll");

    /// <summary>A folder with <c>pwsh</c> in it, the one that the restore brings.</summary>
    public static string PwshFolder { get; } = Metadata("PwshFolder");

    /// <summary>The Pester module that the restore brings.</summary>
    public static string Pester { get; } = Metadata("Pester");

    private static string Metadata(string key) =>
        typeof(Build).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!;
}
