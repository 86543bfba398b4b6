namespace IpcPs.Benchmarks.Framework;

/// <summary>The peers that are Python scripts; left out where there is no python3.</summary>
internal static class PythonPrograms
{
    private static readonly bool IsThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(static f => File.Exists(Path.Combine(f, "python3")));

    /// <summary>Runs peers/NAME.py, which prints one number: its figure.</summary>
    /// <returns>The number; null where there is no Python.</returns>
    public static double? Run(string name, params string[] args) =>
        IsThere ? PeerProgram.Run(null, ["python3", Path.Combine(AppContext.BaseDirectory, "peers", name + ".py"), .. args]) : null;
}
