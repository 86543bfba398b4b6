using System.Diagnostics;

namespace IpcPs.Benchmarks.Framework;

/// <summary>A running peer.</summary>
internal sealed class PeerProcess(Process process) : IDisposable
{
    public int ProcessId => process.Id;

    /// <summary>Waits for the peer's next line.</summary>
    public string ReadLine() => process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer ended early.");

    public void Expect(string line)
    {
        var read = ReadLine();
        if (read != line) throw new InvalidOperationException($"The peer said '{read}' instead of '{line}'.");
    }

    public void Dispose()
    {
        if (!process.WaitForExit(5000)) process.Kill();
        process.Dispose();
    }
}
