using System.Management.Automation;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Stops a script. The programs that it started get TERM and some time first, because PowerShell kills the program that it waits
/// for. Meanwhile the script does not continue.</summary>
/// <param name="shell">The script's shell.</param>
/// <param name="onStop">Called before the script is stopped. It cancels <c>stopped</c>.</param>
/// <param name="stopped">Cancelled when the script is stopped.</param>
internal sealed class ScriptStopper(PowerShell shell, Action onStop, CancellationToken stopped)
{
    /// <summary>The programs' part of the time between TERM and KILL; the rest is for finally blocks.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>How long a script may take to come to its next statement, when the program that it waited for has ended.</summary>
    private static readonly TimeSpan Return = TimeSpan.FromMilliseconds(200);

    private readonly object _guard = new();
    private bool _stopped;

    /// <summary>Stops the script, at once or when its programs have ended. Does not wait for that.</summary>
    public void Stop()
    {
        if (CurrentProcess.IsAloneInGroup)
        {
            Stop(null);
            return;
        }
        // Before TERM: a script whose program ends must not run its next statement.
        var debugger = shell.Runspace.Debugger;
        debugger.DebuggerStop += OnStatement;
        debugger.SetDebugMode(DebugModes.LocalScript);
        debugger.SetDebuggerStepMode(enabled: true);
        CurrentProcess.TerminateGroup();
        new Thread(WaitForPrograms) { IsBackground = true, Name = "IpcPs job stop" }.Start();
    }

    /// <summary>On the script's thread, before its next statement.</summary>
    private void OnStatement(object? sender, DebuggerStopEventArgs e)
    {
        lock (_guard)
        {
            if (_stopped) return;
            _stopped = true;
        }
        onStop();
        // Ends the script with its finally blocks. A stop of the shell would end these too.
        e.ResumeAction = DebuggerResumeAction.Stop;
    }

    private void WaitForPrograms()
    {
        try
        {
            CurrentProcess.WaitUntilAloneInGroup(new(Deadline.After(Grace), stopped));
            if (!stopped.WaitHandle.WaitOne(Return)) Stop(shell.Runspace.Debugger);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The script has come to its next statement, or to its end.
        }
    }

    private void Stop(Debugger? debugger)
    {
        lock (_guard)
        {
            if (_stopped) return;
            _stopped = true;
        }
        onStop();
        debugger?.SetDebuggerStepMode(enabled: false);
        shell.BeginStop(null, null);
    }
}
