namespace IpcPs.Module.Tests.Fixture;

/// <summary>A script file for one test.</summary>
internal sealed class Script : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-script-").FullName;

    /// <param name="text">What it says.</param>
    /// <param name="name">The file's name.</param>
    public Script(string text, string name = "test.ps1")
    {
        Path = System.IO.Path.Combine(_folder, name);
        File.WriteAllText(Path, text);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
