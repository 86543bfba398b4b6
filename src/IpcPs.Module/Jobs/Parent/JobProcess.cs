using IpcPs.Linux;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Sockets;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A child process that runs one job, and the pipes to it. It starts without knowing which job.</summary>
internal sealed class JobProcess : IJobProcess
{
    private readonly List<IDisposable> _open = [];
    private readonly AnonymousPipe _control;
    private readonly AnonymousPipe _records;
    private readonly AnonymousPipe _output;
    private readonly AnonymousPipe _error;
    private readonly DuplexPipe _channel;
    private readonly StreamSocket _passing;

    /// <summary>Creates the pipes and starts the child.</summary>
    /// <param name="environment">What its environment has besides this process's.</param>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public JobProcess(IReadOnlyDictionary<string, string?> environment)
    {
        try
        {
            _control = Open(AnonymousPipe.Create());
            _records = Open(AnonymousPipe.Create());
            _output = Open(AnonymousPipe.Create());
            _error = Open(AnonymousPipe.Create());
            _channel = Open(DuplexPipe.Create());
            (_passing, var passed) = IpcSocket.CreatePair();
            Open(_passing);
            using (passed)
            {
                var (fileName, arguments) = ShellCommand.ForChild();
                Child = ChildProcess.Start(new ChildProcessOptions
                {
                    FileName = fileName,
                    Arguments = arguments,
                    Environment = JobEnvironment.With(environment, ShellCommand.LoaderPath),
                    Descriptors = Inherited(passed),
                    OwnSession = true,
                });
            }
            _control.Reader.Dispose();
            _records.Writer.Dispose();
            _output.Writer.Dispose();
            _error.Writer.Dispose();
            _channel.Far.Dispose();
            JobChannels.Register(Channel);
        }
        catch
        {
            foreach (var opened in _open) opened.Dispose();
            throw;
        }
    }

    /// <summary>The child.</summary>
    public ChildProcess Child { get; }

    /// <summary>Messages to the child.</summary>
    public PipeChannel Control => _control.Writer;

    /// <summary>Records and messages from the child.</summary>
    public PipeChannel Records => _records.Reader;

    /// <summary>The child's standard output.</summary>
    public PipeChannel Output => _output.Reader;

    /// <summary>The child's standard error.</summary>
    public PipeChannel Error => _error.Reader;

    /// <summary>The parent's end of <c>$IpcParent</c>. It stays open longer than the other pipes.</summary>
    public PipeChannel Channel => _channel.Near;

    public int? ProcessId => Child.Id;

    public string? HostName => null;

    public string Location => $"process {Child.Id}";

    public ProcessExit? Exit => Child.Exit;

    public IpcException? Failure => null;

    IpcChannel IJobProcess.Control => Control;

    IpcChannel IJobProcess.Records => Records;

    IpcChannel IJobProcess.Channel => Channel;

    /// <summary>Passes the descriptors that a start message refers to (SCM_RIGHTS). Call it once, before that message is sent.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: they are too many. <see cref="IpcErrors.Closed"/>: one was
    /// closed.</exception>
    public void Pass(IReadOnlyList<SafeDescriptor> descriptors)
    {
        try
        {
            // Never waits: it is the first message. If the child has ended already, its job learns that in another way.
            if (descriptors.Count > 0) _passing.Send([0], new SendOptions { Format = IpcFormat.Object, Handles = descriptors }, default);
        }
        catch (IpcException e) when (e.Id == IpcErrors.PeerClosed)
        {
        }
        _passing.Dispose();
    }

    public JobTransport CreateInput(JobTransportFactory via, out JobTransportFactory kind)
    {
        kind = via;
        return via.Create();
    }

    public RedirectMessage Reach(RedirectMessage output) => output;

    public void ReadText(Action<string> onOutput, Action<string> onError) =>
        ChildText.ReadUntilExit(Child, Output, Error, onOutput, onError);

    public void OnMessage(JobStreamId id, object? content)
    {
    }

    public void OnScriptEnded()
    {
    }

    public void RequestStop() => Child.Signal(15);

    public void Kill() => Child.SignalGroup(9);

    public void EndGroup(bool ask, in WaitOptions grace) => Child.EndGroup(ask, grace);

    public void WaitForExit() => Child.WaitForExit();

    public void Release() => Child.Dispose();

    /// <summary>Kills the child and all programs that it started, and waits for its end.</summary>
    public void Abandon()
    {
        Child.SignalGroup(9);
        Child.WaitForEnd();
        Child.EndGroup(ask: false, Deadline.Immediate);
        Child.WaitForExit();
        Child.Dispose();
    }

    /// <summary>Closes everything except <see cref="Channel"/> and <see cref="Child"/>.</summary>
    public void Dispose()
    {
        _control.Dispose();
        _records.Dispose();
        _output.Dispose();
        _error.Dispose();
        _passing.Dispose();
    }

    private T Open<T>(T opened)
        where T : IDisposable
    {
        _open.Add(opened);
        return opened;
    }

    private List<InheritedDescriptor> Inherited(StreamSocket passed)
    {
        var far = InheritedObjects.DescriptorsOf(_channel.Far);
        InheritedDescriptor output = new(InheritedObjects.DescriptorsOf(_output.Writer)[0], JobDescriptors.StandardOutput);
        InheritedDescriptor error = new(InheritedObjects.DescriptorsOf(_error.Writer)[0], JobDescriptors.StandardError);
        output.MakeBlocking();
        error.MakeBlocking();
        return
        [
            output,
            error,
            new(InheritedObjects.DescriptorsOf(_control.Reader)[0], JobDescriptors.Control),
            new(InheritedObjects.DescriptorsOf(_records.Writer)[0], JobDescriptors.Records),
            new(far[0], JobDescriptors.ParentReader),
            new(far[1], JobDescriptors.ParentWriter),
            new(InheritedObjects.DescriptorsOf(passed)[0], JobDescriptors.Passed),
        ];
    }
}
