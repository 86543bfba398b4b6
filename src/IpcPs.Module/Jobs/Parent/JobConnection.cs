using IpcPs.Linux;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job's child, and the pipes to it.</summary>
internal sealed class JobConnection : IDisposable
{
    private readonly AnonymousPipe _control = AnonymousPipe.Create();
    private readonly AnonymousPipe _records = AnonymousPipe.Create();
    private readonly AnonymousPipe _output = AnonymousPipe.Create();
    private readonly AnonymousPipe _error = AnonymousPipe.Create();
    private readonly DuplexPipe _channel = DuplexPipe.Create();

    /// <summary>Creates the pipes and starts the child.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public JobConnection(JobStartInfo start)
    {
        try
        {
            Input = start.Via?.Create();
            var descriptors = Standard();
            var next = JobDescriptors.FirstFree;
            var input = Add(descriptors, Input?.ReaderDescriptors ?? [], ref next);
            var handles = new List<object>();
            foreach (var handle in start.Handles)
                handles.Add(handle.Descriptors.Count > 0 ? Add(descriptors, handle.Descriptors, ref next) : handle.Address);
            Start = new StartMessage
            {
                Script = start.Script,
                Initialization = start.Initialization,
                Arguments = start.Arguments,
                Using = start.Using,
                Manifest = ShellCommand.Manifest,
                Location = start.Location,
                InputTransport = start.Via?.Name,
                InputConnectionString = Input?.ReaderConnectionString ?? "",
                InputDescriptors = input,
                Handles = handles,
                Worker = start.Worker,
            };
            var (fileName, arguments) = ShellCommand.ForChild();
            Child = ChildProcess.Start(new ChildProcessOptions
            {
                FileName = fileName,
                Arguments = arguments,
                Environment = JobEnvironment.With(start.Environment),
                Descriptors = descriptors,
                OwnSession = true,
            });
            ReleaseChildEnds();
            Input?.ReleaseReader();
            JobChannels.Register(Channel);
        }
        catch
        {
            Input?.Dispose();
            Dispose();
            _channel.Dispose();
            throw;
        }
    }

    /// <summary>The child.</summary>
    public ChildProcess Child { get; }

    /// <summary>The first message to the child.</summary>
    public StartMessage Start { get; }

    /// <summary>What carries the input; null if nothing is piped to the job. <see cref="JobInputTransport"/> owns it.</summary>
    public JobTransport? Input { get; }

    /// <summary>Messages to the child.</summary>
    public PipeChannel Control => _control.Writer;

    /// <summary>Records and messages from the child.</summary>
    public PipeChannel Records => _records.Reader;

    /// <summary>The child's standard output.</summary>
    public PipeChannel Output => _output.Reader;

    /// <summary>The child's standard error.</summary>
    public PipeChannel Error => _error.Reader;

    /// <summary>The parent's end of <c>$IpcParent</c>. The job owns it: it stays open longer than the other pipes.</summary>
    public PipeChannel Channel => _channel.Near;

    /// <summary>Closes all pipes except <see cref="Channel"/>.</summary>
    public void Dispose()
    {
        _control.Dispose();
        _records.Dispose();
        _output.Dispose();
        _error.Dispose();
        _channel.Far.Dispose();
    }

    private static int[] Add(List<InheritedDescriptor> descriptors, IReadOnlyList<SafeDescriptor> more, ref int next)
    {
        var numbers = new int[more.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = next++;
            descriptors.Add(new InheritedDescriptor(more[i], numbers[i]));
        }
        return numbers;
    }

    private List<InheritedDescriptor> Standard()
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
        ];
    }

    private void ReleaseChildEnds()
    {
        _control.Reader.Dispose();
        _records.Writer.Dispose();
        _output.Writer.Dispose();
        _error.Writer.Dispose();
        _channel.Far.Dispose();
    }
}
