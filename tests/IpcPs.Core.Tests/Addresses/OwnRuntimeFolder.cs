namespace IpcPs.Tests.Addresses;

/// <summary>A runtime folder that only this test uses.</summary>
internal sealed class OwnRuntimeFolder : IDisposable
{
    private const string Variable = "XDG_RUNTIME_DIR";

    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    /// <param name="subfolder">A folder below the temporary one that XDG_RUNTIME_DIR names.</param>
    public OwnRuntimeFolder(string subfolder = "")
    {
        Root = Directory.CreateTempSubdirectory("ipcps-test-").FullName;
        Environment.SetEnvironmentVariable(Variable, Directory.CreateDirectory(Path.Combine(Root, subfolder)).FullName);
    }

    /// <summary>The temporary folder.</summary>
    public string Root { get; }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        Directory.Delete(Root, recursive: true);
    }
}
