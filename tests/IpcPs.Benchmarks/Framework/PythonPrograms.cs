using IpcPs.Processes;

namespace IpcPs.Benchmarks.Framework;

/// <summary>The peers that are Python scripts; left out where there is no python3.</summary>
internal static class PythonPrograms
{
    /// <summary>Runs peers/NAME.py, which prints one number: its figure.</summary>
    /// <returns>The number; null where there is no Python.</returns>
    public static double? Run(string name, params string[] args) =>
        Programs.Find("python3") is { } python
            ? PeerProgram.Run(null, [python, Path.Combine(AppContext.BaseDirectory, "peers", name + ".py"), .. args])
            : null;
}
