using IpcPs.Linux;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Module.Jobs.Remote;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A job's process, from a pool or started for the job, and what leads to it.</summary>
internal sealed class JobConnection : IDisposable
{
    private readonly WarmChild? _warm;
    private readonly IJobProcess _process;

    /// <summary>Takes or starts the child.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found; the pool has failed or was
    /// removed.</exception>
    public JobConnection(JobStartInfo start)
    {
        try
        {
            _warm = start.Pool?.Take();
            // A job with a pool has its own variables from its start message, so that it is the same whether its child is warm or not. So
            // has a job on another host, which has no environment of this process.
            var isStartedBare = start.Pool is not null || start.Hosts.Count > 0;
            _process = start.Hosts.Count > 0 ? RemoteJobProcess.Start(start.Place ?? start.TakePlace(default))
                : _warm?.Process ?? new JobProcess(isStartedBare ? JobEnvironment.Of(null) : start.Environment);
            if (start.Via is { } via)
            {
                Input = _process.CreateInput(via, out var kind);
                InputKind = kind;
            }
            var descriptors = new List<SafeDescriptor>(Input?.ReaderDescriptors ?? []);
            Start = new StartMessage
            {
                Preparation = _warm is null ? start.Pool?.Preparation : null,
                Script = start.Script,
                Initialization = start.Initialization,
                Arguments = start.Arguments,
                Using = start.Using,
                Location = start.Location,
                Environment = isStartedBare ? start.Environment : JobEnvironment.Of(null),
                InputTransport = InputKind?.Name ?? start.SharedInput?.Transport,
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
                _process.Abandon();
                _warm?.Dispose();
                _process.Dispose();
                _process.Channel.Dispose();
            }
            throw;
        }
    }

    /// <summary>The process.</summary>
    public IJobProcess Process => _process;

    /// <summary>The first message to the child.</summary>
    public StartMessage Start { get; }

    /// <summary>What carries the input; null if nothing is piped to the job. <see cref="JobInputTransport"/> owns it.</summary>
    public JobTransport? Input { get; }

    /// <summary>The kind of <see cref="Input"/>.</summary>
    public JobTransportFactory? InputKind { get; }

    /// <summary>Messages to the process.</summary>
    public IpcChannel Control => _process.Control;

    /// <summary>Records and messages from the process.</summary>
    public IpcChannel Records => _process.Records;

    /// <summary>What was received from <see cref="Records"/> already, before the child was taken from its pool.</summary>
    public IReadOnlyList<(JobStreamId Id, byte[] Payload)> Received => _warm?.Received ?? [];

    /// <summary>The parent's end of <c>$IpcParent</c>. The job owns it: it stays open longer than the other pipes.</summary>
    public IpcChannel Channel => _process.Channel;

    /// <summary>Reads the child's standard output and error until it ends.</summary>
    public void ReadText(Action<string> onOutput, Action<string> onError)
    {
        _warm?.HandOverText(onOutput, onError);
        _process.ReadText(onOutput, onError);
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
