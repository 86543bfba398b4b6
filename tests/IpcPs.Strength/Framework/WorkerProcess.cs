using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Strength.Framework;

/// <summary>A child process in a role. Disposed, it is killed.</summary>
internal sealed class WorkerProcess(Process process) : IDisposable
{
    private bool _disposed;

    public int Id { get; } = process.Id;

    public bool IsAlive => !_disposed && !process.HasExited;

    /// <summary>Waits for its next line.</summary>
    /// <exception cref="InvalidOperationException">It ended, or said nothing for two minutes.</exception>
    public string ReadLine()
    {
        var line = process.StandardOutput.ReadLineAsync();
        if (!line.Wait(TimeSpan.FromMinutes(2))) throw new InvalidOperationException($"Worker {Id} said nothing for two minutes.");
        if (line.Result is { } text) return text;
        process.WaitForExit();
        throw new InvalidOperationException($"Worker {Id} ended with {process.ExitCode}.");
    }

    public void Expect(string line)
    {
        if (ReadLine() is var read && read != line) throw new InvalidOperationException($"Worker {Id} said '{read}' instead of '{line}'.");
    }

    public void WriteLine(string line) => process.StandardInput.WriteLine(line);

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code; null when it did not end within two minutes.</returns>
    public int? WaitForEnd() => process.WaitForExit(120_000) ? process.ExitCode : null;

    /// <summary>Kill -9, and waits until it is gone.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>CPU time that it has used.</summary>
    public TimeSpan ProcessorTime()
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    /// <summary>How many descriptors it has open.</summary>
    public int Descriptors => Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/fd")).Length;

    public void Dispose()
    {
        if (_disposed) return;
        if (!process.HasExited) Kill();
        _disposed = true;
        process.Dispose();
    }
}
