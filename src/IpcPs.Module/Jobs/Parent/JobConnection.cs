using IpcPs.Linux;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job's child, from a pool or started for the job, and what leads to it.</summary>
internal sealed class JobConnection : IDisposable
{
    private readonly WarmChild? _warm;
    private readonly JobProcess _process;

    /// <summary>Takes or starts the child.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found; the pool has failed or was
    /// removed.</exception>
    public JobConnection(JobStartInfo start)
    {
        try
        {
            Input = start.Via?.Create();
            _warm = start.Pool?.Take();
            // A job with a pool has its own variables from its start message, so that it is the same whether its child is warm or not.
            _process = _warm?.Process ?? new JobProcess(start.Pool is null ? start.Environment : JobEnvironment.Of(null));
            var descriptors = new List<SafeDescriptor>(Input?.ReaderDescriptors ?? []);
            Start = new StartMessage
            {
                Preparation = _warm is null ? start.Pool?.Preparation : null,
                Script = start.Script,
                Initialization = start.Initialization,
                Arguments = start.Arguments,
                Using = start.Using,
                Location = start.Location,
                Environment = start.Pool is null ? JobEnvironment.Of(null) : start.Environment,
                InputTransport = start.Via?.Name ?? start.SharedInput?.Transport,
                InputConnectionString = Input?.ReaderConnectionString ?? start.SharedInput?.ConnectionString ?? "",
                InputDescriptors = descriptors.Count,
                Handles = [.. start.Handles.Select(h => h.Descriptors.Count > 0 ? Add(descriptors, h) : (object)h.Address)],
                Descriptors = descriptors.Count,
                Worker = start.Worker,
            };
            _process.Pass(descriptors);
            Input?.ReleaseReader();
        }
        catch
        {
            Input?.Dispose();
            if (_process is not null)
            {
                _process.Kill();
                _warm?.Dispose();
                _process.Dispose();
                _process.Channel.Dispose();
            }
            throw;
        }
    }

    /// <summary>The child.</summary>
    public ChildProcess Child => _process.Child;

    /// <summary>The first message to the child.</summary>
    public StartMessage Start { get; }

    /// <summary>What carries the input; null if nothing is piped to the job. <see cref="JobInputTransport"/> owns it.</summary>
    public JobTransport? Input { get; }

    /// <summary>Messages to the child.</summary>
    public PipeChannel Control => _process.Control;

    /// <summary>Records and messages from the child.</summary>
    public PipeChannel Records => _process.Records;

    /// <summary>What was received from <see cref="Records"/> already, before the child was taken from its pool.</summary>
    public IReadOnlyList<(JobStreamId Id, byte[] Payload)> Received => _warm?.Received ?? [];

    /// <summary>The parent's end of <c>$IpcParent</c>. The job owns it: it stays open longer than the other pipes.</summary>
    public PipeChannel Channel => _process.Channel;

    /// <summary>Reads the child's standard output and error until it ends.</summary>
    public void ReadText(Action<string> onOutput, Action<string> onError)
    {
        _warm?.HandOverText(onOutput, onError);
        ChildText.ReadUntilExit(Child, _process.Output, _process.Error, onOutput, onError);
    }

    /// <summary>Closes all pipes except <see cref="Channel"/>.</summary>
    public void Dispose()
    {
        _warm?.Dispose();
        _process.Dispose();
    }

    private static int[] Add(List<SafeDescriptor> descriptors, IpcTargetHandle handle)
    {
        var first = descriptors.Count;
        descriptors.AddRange(handle.Descriptors);
        return [.. Enumerable.Range(first, handle.Descriptors.Count)];
    }
}
