using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <summary>Runs a job's script in the child: the runspace, the streams to the parent, and the end, which the script or the parent
/// causes.</summary>
internal sealed partial class JobSession : IDisposable
{
    /// <summary>The time for the script's finally blocks and programs after its parent has ended.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    // How long the kernel may take to close all descriptors of a process that was killed, on a busy machine.
    private static readonly TimeSpan ParentEndLimit = TimeSpan.FromMilliseconds(500);

    private readonly IpcChannel _control;
    private readonly IpcChannel? _passed;
    private readonly IpcChannel _parent;
    private readonly CancellationToken _lost;
    private readonly JobSerializer _serializer = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ManualResetEventSlim _done = new();
    private readonly ManualResetEventSlim _parentEnded = new();
    private readonly RecordSender _records;
    private readonly JobOutput _output;
    private readonly ProgressFilter _progress = new();
    // What the script's thread has to do: a PrepareMessage, a StartMessage, or why there is neither.
    private readonly BlockingCollection<object> _orders = [];
    private int[] _descriptors = [];
    private readonly AttachedBroadcasts _broadcasts;
    private StartMessage? _start;
    private IJobInput? _input;
    private WorkerInput? _items;
    private ScriptStopper? _stopper;
    private bool _isStopRequested;
    private long _parentEnd;

    /// <param name="control">Messages from the parent.</param>
    /// <param name="records">Records and messages to the parent.</param>
    /// <param name="passed">Descriptors from the parent; null from another host.</param>
    /// <param name="parent">The channel to the parent: <c>$IpcParent</c>.</param>
    /// <param name="lost">Cancelled when the connection to the parent is lost.</param>
    public JobSession(IpcChannel control, IpcChannel records, IpcChannel? passed, IpcChannel parent, CancellationToken lost)
    {
        _control = control;
        _passed = passed;
        _parent = JobChannels.Register(parent);
        _lost = lost;
        // Not cancelled by a stop: records from finally blocks still reach the parent.
        _records = new RecordSender(records);
        _output = new JobOutput(_records, _stopping.Token);
        _broadcasts = new AttachedBroadcasts(OnAttached, _stopping.Token);
    }

    /// <summary>Sends a message to the parent.</summary>
    public void Announce(JobStreamId id, object? content) => Forward(id, content);

    /// <summary>Opens the runspace, waits for the start message, runs the script, and sends the final message.</summary>
    /// <returns>The exit code of the process.</returns>
    public int Run()
    {
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            // By default the process would end at once, without finally blocks.
            context.Cancel = true;
            Stop();
        });
        // From now on, so that the end of the parent is noticed while a pool's child prepares itself, and while it waits.
        new Thread(Listen) { IsBackground = true, Name = "IpcPs job control" }.Start();
        try
        {
            return RunScripts();
        }
        finally
        {
            _done.Set();
            EndGroupWithoutParent();
        }
    }

    public void Dispose()
    {
        _input?.Dispose();
        _output.Dispose();
        _broadcasts.Dispose();
        _records.Dispose();
        _control.Dispose();
        _passed?.Dispose();
        // Not _stopping: TERM and the end of the parent may still come, on other threads.
    }

    /// <summary>Ends the script, as Ctrl+C does, and the programs that it started.</summary>
    private void Stop()
    {
        lock (_stopping)
        {
            if (_isStopRequested) return;
            _isStopRequested = true;
            if (_stopper is { } stopper) stopper.Stop();
            else OnStop();
        }
    }

    /// <summary>The script is stopped now. Before its shell is, because that waits for the locks of a blocked read or write.</summary>
    private void OnStop()
    {
        _stopping.Cancel();
        _output.Wake();
    }

    /// <summary>If the parent has ended: waits for the programs that the script started, and kills those that do not end in time. Where the
    /// parent lives, it does that.</summary>
    private void EndGroupWithoutParent()
    {
        // Where the end of $IpcParent ended the script, the parent may have been killed: then its other descriptors are closed as well, a
        // moment later. It may also have closed that channel only.
        if (!_parentEnded.IsSet
            && (!CurrentProcess.HasLost(_parent) || CurrentProcess.IsAloneInGroup || !_parentEnded.Wait(ParentEndLimit))) return;
        var ended = Volatile.Read(ref _parentEnd);
        var left = Grace - Stopwatch.GetElapsedTime(ended);
        CurrentProcess.WaitUntilAloneInGroup(left > TimeSpan.Zero ? Deadline.After(left) : Deadline.Immediate);
        CurrentProcess.KillGroup();
    }
}
