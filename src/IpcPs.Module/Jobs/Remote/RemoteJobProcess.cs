using System.Globalization;
using IpcPs.Linux;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Relays;
using IpcPs.Sockets;
using IpcPs.Ssh;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Remote;

/// <summary>A job's process on another host. Here an ssh process stands for it: a session of the connection to that host, whose input and
/// output are the job's control messages and records. It ends when the process there has ended.</summary>
internal sealed class RemoteJobProcess : IJobProcess
{
    /// <summary>What ssh's exit code is if the session could not be, or its connection has ended.</summary>
    private const int SshFailed = 255;

    /// <summary>How long ssh may take to end after the script: programs that it left behind may hold the session open.</summary>
    private static readonly TimeSpan EndOfSession = TimeSpan.FromSeconds(3);

    /// <summary>How long what a process has printed may be on its way. Only if it was killed, and a program that it started has its
    /// standard output, nothing says that no more comes.</summary>
    private static readonly TimeSpan Delivery = TimeSpan.FromSeconds(10);

    /// <summary>How long a killed process may take to end, before the session is closed without it.</summary>
    private static readonly TimeSpan EndOfKilled = TimeSpan.FromSeconds(3);

    private readonly object _guard = new();
    private readonly List<IDisposable> _open = [];
    private readonly List<SshOutput> _outputs = [];
    private readonly List<Action> _undo = [];
    // Printed before the process had started.
    private readonly List<string> _errorLines = [];
    private readonly SshHost _host;
    private readonly SshConnection _connection;
    private readonly AnonymousPipe _control;
    private readonly AnonymousPipe _records;
    private readonly AnonymousPipe _output;
    private readonly AnonymousPipe _error;
    private readonly StreamSocket _channel;
    private readonly StreamSocket _channelFar;
    private readonly IpcRelay _outputRelay;
    private readonly IpcRelay _fromFar;
    private readonly IpcRelay _toFar;
    private readonly SshLink _printed;
    private readonly SshLink _alive;
    private readonly List<SshLink> _links = [];
    private readonly string _mark = $"ipcps-{Guid.NewGuid():N}";
    private readonly ChildProcess _session;
    private readonly Timer _endTimer;
    private SshInput? _input;
    private int _processId;
    private string? _wantedSignal;
    private Action _readRest = static () => { };
    private Action<string> _onError = static _ => { };
    private volatile bool _hasScriptEnded;
    private int? _exitCode;
    private int _channelEnds;
    private bool _isDisposed;

    private RemoteJobProcess(SshHost host, SshConnection connection)
    {
        (_host, _connection) = (host, connection);
        _endTimer = new Timer(static p => ((RemoteJobProcess)p!)._session!.SignalGroup(9), this, Timeout.Infinite, Timeout.Infinite);
        try
        {
            _control = Open(AnonymousPipe.Create());
            _records = Open(AnonymousPipe.Create());
            _output = Open(AnonymousPipe.Create());
            _error = Open(AnonymousPipe.Create());
            (_channel, _channelFar) = IpcSocket.CreatePair();
            Open(_channel);
            Open(_channelFar);
            _printed = Expect();
            var channel = Expect();
            _alive = Expect(connection.KeepAlive);
            _outputRelay = Open(Relay(Arrival(_printed), IpcRelay.Keep(_output.Writer), _output.Writer.Address, OnAllPrinted));
            // One for each direction, so that either side can end its own.
            _fromFar = Open(Relay(Arrival(channel), IpcRelay.Keep(_channelFar), _channelFar.Address, EndChannel));
            _toFar = Open(Relay(IpcRelay.Keep(_channelFar), Arrival(channel), _channelFar.Address, null));
            var connect = new ConnectMessage(connection.FarFolder, _printed.FarConnectionString, channel.FarConnectionString,
                _alive.FarConnectionString);
            // Fits into the pipe, so that this never waits.
            _control.Writer.Send(new JobSerializer().Encode(connect.ToBag()), JobControlId.Connect.SendOptions());
            _session = connection.StartPowerShell(_mark, RemoteModule.Arguments(connection.FarModule), _control.Reader, _records.Writer,
                _error.Writer);
            _control.Reader.Dispose();
            _records.Writer.Dispose();
            _error.Writer.Dispose();
            JobChannels.Register<IpcChannel>(_channel);
            _outputRelay.Start();
            _fromFar.Start();
            _toFar.Start();
        }
        catch
        {
            foreach (var link in _links) link.Close();
            foreach (var opened in _open) opened.Dispose();
            _session?.SignalGroup(9);
            _session?.Dispose();
            _endTimer.Dispose();
            host.Return(connection);
            throw;
        }
    }

    // Its own id is one of another machine, where a signal would reach another process.
    public int? ProcessId => null;

    public string HostName => _connection.Target.HostName;

    public string Location => Volatile.Read(ref _processId) is > 0 and var id
        ? string.Create(CultureInfo.InvariantCulture, $"process {id} on {HostName}") : $"a process on {HostName}";

    public ProcessExit? Exit { get; private set; }

    public IpcException? Failure { get; private set; }

    public IpcChannel Control => _control.Writer;

    public IpcChannel Records => _records.Reader;

    public IpcChannel Channel => _channel;

    /// <summary>Starts a process.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left.</exception>
    public static RemoteJobProcess Start(RemotePlace place) => new(place.Host, place.Connection);

    public void Pass(IReadOnlyList<SafeDescriptor> descriptors)
    {
    }

    public JobTransport CreateInput(JobTransportFactory via, out JobTransportFactory kind)
    {
        kind = SshInput.Factory;
        return _input = new SshInput(_connection);
    }

    public RedirectMessage Reach(RedirectMessage output)
    {
        try
        {
            var isSocket = output.Transport == SshInput.Factory.Name;
            if (isSocket && SshInput.ForwardFrom(_connection, output.ConnectionString, out var undo) is { } far)
            {
                if (undo is not null && !TryKeep(_undo, undo)) undo();
                return output with { ConnectionString = far };
            }
            var moved = new SshOutput(_connection, output.Transport, output.ConnectionString);
            if (!TryKeep(_outputs, moved)) moved.Dispose();
            return new RedirectMessage(SshInput.Factory.Name, moved.FarConnectionString);
        }
        catch (IpcException e)
        {
            Failure = e;
            // Which it cannot open. It ends, and its job says why.
            return new RedirectMessage(SshInput.Factory.Name, $"unix:{_connection.FarFolder}/none none");
        }
    }

    public void ReadText(Action<string> onOutput, Action<string> onError)
    {
        _onError = onError;
        _readRest = () => ChildText.ReadUntilExit(_session, _output.Reader, _error.Reader, onOutput, OnErrorLine);
        _readRest();
    }

    public void OnMessage(JobStreamId id, object? content)
    {
        if (id == JobStreamId.Listening)
        {
            _input?.OnListening();
            return;
        }
        lock (_guard)
        {
            _processId = Convert.ToInt32(content, CultureInfo.InvariantCulture);
            if (_wantedSignal is { } signal) _connection.Signal(signal, _processId);
        }
    }

    public void OnScriptEnded()
    {
        _hasScriptEnded = true;
        EndSessionIn(_outputRelay.HasEnded ? EndOfSession : Delivery);
    }

    public void RequestStop()
    {
        lock (_guard)
        {
            _wantedSignal = "TERM";
            if (_processId > 0) _connection.Signal(_wantedSignal, _processId);
        }
    }

    public void Kill()
    {
        lock (_guard)
        {
            foreach (var output in _outputs) output.Cancel();
            if (_processId > 0) _connection.Signal("KILL", -_processId);
        }
        // Where it has not started yet, or does not answer any more, it ends with the session.
        EndSessionIn(_processId > 0 ? EndOfKilled : TimeSpan.Zero);
    }

    public void EndGroup(bool ask, in WaitOptions grace)
    {
        if (_processId > 0) _connection.EndGroup(_processId, ask, grace.Deadline.Remaining);
    }

    public void WaitForExit()
    {
        _session.WaitForExit();
        var exit = _session.Exit!.Value;
        // Without them, it did not get so far that it connected them.
        if (_processId == 0) foreach (var link in _links) link.Dispose();
        // Also when the script has ended: the process waits until all that it printed has come.
        if (_exitCode is null && exit.Code == SshFailed && _connection.WaitForLoss(EndOfSession)) Failure ??= _connection.Loss;
        if (_exitCode is { } code) exit = new ProcessExit(code, null, false);
        // The shell there gives a process that a signal has ended that exit code.
        if (!_hasScriptEnded && exit.Code is > 128 and <= 128 + 64) exit = new ProcessExit(null, exit.Code - 128, false);
        Exit = exit;
        ReadRest();
        if (Failure is null) PassErrorLines();
        SshOutput[] outputs;
        lock (_guard) outputs = [.. _outputs];
        foreach (var output in outputs)
        {
            output.Complete();
            Failure ??= Reported(output.Error);
        }
        if (_processId > 0) _connection.RemoveFar(string.Create(CultureInfo.InvariantCulture, $"p{_processId}"));
    }

    public void Abandon()
    {
        _session.SignalGroup(9);
        _session.WaitForExit();
        foreach (var link in _links) link.Close();
        Release();
    }

    public void Dispose()
    {
        lock (_guard)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            foreach (var output in _outputs) output.Dispose();
        }
        foreach (var undo in _undo) undo();
        _printed.Close();
        _alive.Close();
        _outputRelay.Dispose();
        _control.Dispose();
        _records.Dispose();
        _output.Dispose();
        _error.Dispose();
        _endTimer.Dispose();
    }

    public void Release()
    {
        _session.Dispose();
        EndChannel();
    }

    private static IpcRelay Relay(RelayOpener from, RelayOpener to, IpcAddress address, Action? onEnded) =>
        new(address, from, address, to) { Ended = _ => onEnded?.Invoke() };

    /// <summary>A socket that the process will have connected.</summary>
    private static RelayOpener Arrival(SshLink link) => (in WaitOptions wait, out bool isOwned) =>
    {
        isOwned = false;
        return link.Wait(wait.Cancellation) ?? throw new OperationCanceledException();
    };

    /// <summary>The job that reads may have ended before the output was opened. That job says how.</summary>
    private static IpcException? Reported(IpcException? error) =>
        error is null || JobTransport.IsReaderGone(error) || error.Id == IpcErrors.NoPeer || error.Id == IpcErrors.NotFound ? null : error;

    /// <summary>Called when the process has been released, and when all that it sent to <c>$IpcParent</c> has come, or was dropped because
    /// the job was removed. Until then, the connection is in use.</summary>
    private void EndChannel()
    {
        if (Interlocked.Increment(ref _channelEnds) < 2) return;
        _fromFar.Dispose();
        _toFar.Dispose();
        _channelFar.Dispose();
        foreach (var link in _links) link.Close();
        _host.Return(_connection);
    }

    /// <summary>The process waits for that.</summary>
    private void OnAllPrinted()
    {
        _printed.Close();
        if (_hasScriptEnded) EndSessionIn(EndOfSession);
    }

    private void OnErrorLine(string line)
    {
        // A program may have begun the line.
        if (line.IndexOf(_mark, StringComparison.Ordinal) is >= 0 and var mark)
        {
            _exitCode = int.Parse(line.AsSpan(mark + _mark.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
            EndSessionIn(EndOfSession);
            line = line[..mark];
            if (mark == 0) return;
        }
        lock (_errorLines) _errorLines.Add(line);
        if (Volatile.Read(ref _processId) > 0) PassErrorLines();
    }

    /// <summary>Passes on what was printed. Not before the process has started: until then, ssh says why it could not, and so does
    /// <see cref="Failure"/>.</summary>
    private void PassErrorLines()
    {
        lock (_errorLines)
        {
            foreach (var line in _errorLines) _onError(line);
            _errorLines.Clear();
        }
    }

    /// <summary>Reads what a killed process has printed, which may come later than the end of the session.</summary>
    private void ReadRest()
    {
        var limit = Deadline.After(Delivery);
        while (!_outputRelay.WaitForEnd(Deadline.After(TimeSpan.FromMilliseconds(20))) && !limit.HasPassed && _connection.Loss is null)
            _readRest();
        _readRest();
    }

    /// <returns>False if there is no more use for it.</returns>
    private bool TryKeep<T>(List<T> list, T item)
    {
        lock (_guard)
        {
            if (!_isDisposed) list.Add(item);
            return !_isDisposed;
        }
    }

    private void EndSessionIn(TimeSpan time)
    {
        try
        {
            _endTimer.Change(time, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // It has ended.
        }
    }

    private SshLink Expect(Action<StreamSocket>? onArrived = null)
    {
        var link = _connection.Expect(onArrived);
        _links.Add(link);
        return link;
    }

    private T Open<T>(T opened)
        where T : IDisposable
    {
        _open.Add(opened);
        return opened;
    }
}
