using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Use-IpcSignal</c>: runs a script block that a signal ends, and after a signal a second one that cleans up.</summary>
[Cmdlet(VerbsOther.Use, "IpcSignal")]
[OutputType(typeof(object))]
public sealed class UseIpcSignalCommand : IpcCmdlet
{
    private ReceivedSignal? _received;

    /// <summary>The signals that end the script block.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [SignalTransformation]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public Signal[] Signal { get; set; } = null!;

    /// <summary>The script block to run after a signal. The signal is $_.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    public ScriptBlock Cleanup { get; set; } = null!;

    /// <summary>The script block that a signal ends.</summary>
    [Parameter(Mandatory = true, Position = 2)]
    public ScriptBlock ScriptBlock { get; set; } = null!;

    /// <summary>After the cleanup, does what the session would have done with the signal: TERM ends it.</summary>
    [Parameter]
    public SwitchParameter Default { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        using var body = NestedScript.Of(this, "Invoke-Command", new { ScriptBlock, NoNewScope = true });
        var subscriptions = new List<SignalSubscription>();
        try
        {
            var wanted = Signal.Distinct().ToArray();
            Require(() =>
            {
                foreach (var signal in wanted) subscriptions.Add(new SignalSubscription(signal, received => Stop(body, received)));
            });
            SessionSignals.Current.WarnOfLimits(this);
            body.Run();
            if (_received is not { } first) return;
            using var cleanup = NestedScript.Of(this, "ForEach-Object", new { InputObject = first, Process = Cleanup });
            cleanup.Run();
            if (Default) subscriptions.First(s => s.Signal == first.Signal).RunPrevious();
        }
        finally
        {
            subscriptions.ForEach(static s => s.Dispose());
        }
    }

    // Only the first signal ends the body. A signal during the cleanup must not end the cleanup.
    private void Stop(NestedScript body, ReceivedSignal received)
    {
        if (Interlocked.CompareExchange(ref _received, received, null) is not null) return;
        // Not on the thread pool, whose threads the body may keep busy.
        new Thread(body.Stop) { IsBackground = true, Name = "IpcPs stops a script for a signal" }.Start();
    }
}
