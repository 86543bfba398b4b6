using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Signals;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>A child PowerShell that runs.</summary>
public sealed partial class ShellProcess : IDisposable
{
    // A child that stands still is killed after this time, so that its test fails and says what the child wrote.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Task<string> _error;

    internal ShellProcess(Process process)
    {
        _process = process;
        // Read at once, so that a child that says much on standard error never waits for us.
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Its standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Waits for its next line on standard output; null at the end. How a test knows how far the child is.</summary>
    public string? ReadLine()
    {
        using var limit = KillAfter(Limit);
        return _process.StandardOutput.ReadLine();
    }

    /// <summary>Waits for this line on standard output.</summary>
    public void Expect(string line)
    {
        var seen = new List<string>();
        while (ReadLine() is { } next)
        {
            if (next == line) return;
            seen.Add(next);
        }
        Xunit.Assert.Fail($"'{line}' did not come. Output: {string.Join("\n", seen)}\nError: {_error.Result}");
    }

    /// <summary>Sends a signal, by number: 2 is INT, 9 KILL, 15 TERM.</summary>
    public void Signal(int signal)
    {
        if (kill(_process.Id, signal) == 0) return;
        throw new InvalidOperationException($"kill({_process.Id}, {signal}): errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Kills it after some time, unless the result is disposed of before.</summary>
    public IDisposable KillAfter(TimeSpan limit) => new Timer(_ => kill(_process.Id, 9), null, limit, Timeout.InfiniteTimeSpan);

    /// <summary>Closes standard input, waits for the end and gives all that is left to read.</summary>
    public ShellResult Finish(string? input = null)
    {
        if (input is not null) Input.Write(input);
        Input.Close();
        using var limit = KillAfter(Limit);
        var output = _process.StandardOutput.ReadToEnd();
        _process.WaitForExit();
        return new ShellResult(_process.ExitCode, output, _error.Result);
    }

    /// <summary>Kills it where it still runs.</summary>
    public void Dispose()
    {
        try
        {
            if (!_process.HasExited) _process.Kill();
            _process.WaitForExit();
        }
        finally
        {
            _process.Dispose();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int processId, int signal);
}
