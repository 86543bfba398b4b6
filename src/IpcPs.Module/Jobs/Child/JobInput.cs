using System.Management.Automation;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The reading end of what is piped to a job: the parent's values, or the output of the jobs before it.</summary>
/// <param name="link">Where the objects come from; null where nothing was piped.</param>
/// <param name="stopping">Cancelled when the script is to end.</param>
internal sealed class JobInput(JobTransportReader? link, CancellationToken stopping) : IDisposable
{
    private readonly MessageBuffer _message = new();
    private readonly JobSerializer _codec = new();

    /// <summary>Nobody writes any more.</summary>
    /// <param name="writers">How many have written.</param>
    public void End(int writers) => link?.EndOfWriters(writers);

    /// <summary>Waits for the next object.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="PipelineStoppedException">The script is to end.</exception>
    public bool TryReceive(out PSObject? value)
    {
        value = null;
        try
        {
            if (link is null || !link.Receive(_message)) return false;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        var decoded = _codec.Decode(_message.Payload);
        value = decoded is null ? null : PSObject.AsPSObject(decoded);
        return true;
    }

    /// <summary>Lets go of the input: who still writes to it learns that nobody reads.</summary>
    public void Dispose() => link?.Dispose();
}
