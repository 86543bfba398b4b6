using System.Management.Automation;

namespace IpcPs.Module.Commands;

/// <summary>What every cmdlet shares: cancellation by Ctrl+C, and errors that become ErrorRecords in one way.</summary>
public abstract class IpcCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled by Ctrl+C and by Stop-Job: what every wait is given.</summary>
    protected CancellationToken StopToken => _stopping.Token;

    /// <inheritdoc/>
    protected override void StopProcessing() => _stopping.Cancel();

    /// <summary>Does one thing; what goes wrong with it is a non-terminating error, so that a pipeline goes on with the next object.</summary>
    /// <returns>Whether it went well.</returns>
    protected bool Try(Action action, object? target = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            action();
            return true;
        }
        catch (IpcException e)
        {
            WriteError(ErrorRecords.ToRecord(e, target));
            return false;
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>The deadline that -Timeout and -NoWait ask for, beginning now.</summary>
    /// <exception cref="IpcException">The time is negative, or both were given.</exception>
    protected static Deadline DeadlineFrom(TimeSpan? timeout, bool noWait = false)
    {
        if (noWait && timeout is not null) throw IpcException.Argument("-NoWait and -Timeout exclude each other.");
        return noWait ? Deadline.Immediate : timeout is { } time ? Deadline.After(time) : Deadline.Infinite;
    }

    /// <summary>How long this command waits: until the deadline of <see cref="DeadlineFrom"/>, or until Ctrl+C.</summary>
    protected WaitOptions WaitFrom(TimeSpan? timeout, bool noWait = false) => new(DeadlineFrom(timeout, noWait), StopToken);

    /// <summary>Does what the rest depends on; what goes wrong with it ends the command.</summary>
    protected T Require<T>(Func<T> action, object? target = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            return action();
        }
        catch (IpcException e)
        {
            ThrowTerminatingError(ErrorRecords.ToRecord(e, target));
            throw;
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the command opened for its own use.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _stopping.Dispose();
    }
}
