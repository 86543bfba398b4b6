using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;

namespace IpcPs.Host;

/// <summary>Turns signals into an orderly end. Ctrl+C stops the running pipeline, whose <c>finally</c> blocks run; SIGTERM and SIGHUP do
/// the same and end the session too. A repeated signal never cuts a <c>finally</c> short: SIGKILL and Ctrl+\ do.</summary>
internal sealed class Interruption(ForegroundProgram program) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Pipeline? _running;
    private bool _atPrompt;
    private int? _exitCode;

    /// <summary>Whether Ctrl+C ends only what runs: true once there is a prompt to come back to.</summary>
    public bool IsInteractive { get; set; }

    /// <summary>The code to end the session with; null while nothing ends it.</summary>
    public int? ExitCode
    {
        get
        {
            lock (_lock) return _exitCode;
        }
    }

    public void Listen()
    {
        On(PosixSignal.SIGINT, () => Stop(IsInteractive ? null : ExitCodes.Interrupted));
        On(PosixSignal.SIGTERM, () => Stop(ExitCodes.Terminated));
        On(PosixSignal.SIGHUP, () => Stop(ExitCodes.HungUp));
    }

    /// <summary>Stops what runs, and ends the session where a code is given.</summary>
    public void Stop(int? exitCode)
    {
        lock (_lock)
        {
            _exitCode ??= exitCode;
            _running?.StopAsync();
            // Nothing runs, and the thread that waits for a key cannot be called back.
            if (_atPrompt && _exitCode is { } code) Environment.Exit(code);
        }
    }

    /// <summary>Names the pipeline that a signal stops from now on.</summary>
    /// <returns>False where a signal has ended the session already.</returns>
    public bool Begin(Pipeline pipeline)
    {
        lock (_lock)
        {
            if (_exitCode is not null) return false;
            _running = pipeline;
            return true;
        }
    }

    /// <summary>Nothing runs any more, or what ran before does again.</summary>
    public void End(Pipeline? outer = null)
    {
        lock (_lock) _running = outer;
    }

    /// <summary>Marks the time in which a key is waited for.</summary>
    public void AtPrompt(bool waiting)
    {
        lock (_lock)
        {
            _atPrompt = waiting;
            if (waiting && _exitCode is { } code) Environment.Exit(code);
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void On(PosixSignal signal, Action action) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
            program.Signal(signal);
        }));
}
