using System.Diagnostics;
using System.Globalization;

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

    /// <summary>Waits until the peer has done what it was started for.</summary>
    /// <returns>Microseconds of processor time that it took for a message: what it says behind "done".</returns>
    public double ExpectDone() => ReadLine() is var line && line.StartsWith("done ", StringComparison.Ordinal)
        ? double.Parse(line.AsSpan(5), CultureInfo.InvariantCulture)
        : throw new InvalidOperationException($"The peer said '{line}' instead of 'done'.");

    public void Dispose()
    {
        if (!process.WaitForExit(5000)) process.Kill();
        process.Dispose();
    }
}
