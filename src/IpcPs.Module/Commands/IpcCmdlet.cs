using System.Management.Automation;
using System.Management.Automation.Host;
using IpcPs.Inventory;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands;

/// <summary>The base of every command: Ctrl+C cancels its waits, and its exceptions become error records.</summary>
public abstract class IpcCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private bool? _isVerbose;
    private bool _yesToAll;
    private bool _noToAll;

    /// <summary>Cancelled by Ctrl+C and by Stop-Job. Every wait gets it.</summary>
    protected CancellationToken StopToken => _stopping.Token;

    /// <summary>Whether a verbose message may be shown. A command that is called for each message asks before it makes the text, which
    /// would cost as much as the call that it reports.</summary>
    private protected bool IsVerbose => _isVerbose ??= MyInvocation.BoundParameters.ContainsKey("Verbose")
        || MyInvocation.BoundParameters.ContainsKey("Debug")
        || GetVariableValue("VerbosePreference") is not ActionPreference.SilentlyContinue;

    /// <inheritdoc/>
    protected override void StopProcessing() => _stopping.Cancel();

    /// <summary>Runs an action. If it fails, the error is non-terminating: the pipeline continues with the next object.</summary>
    /// <param name="action">The action.</param>
    /// <param name="target">The error's target object; by default the address in the exception.</param>
    /// <returns>Whether it succeeded.</returns>
    protected bool Try(Action action, object? target = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (ErrorRecords.OfLibrary(e) is { } known)
        {
            WriteError(ErrorRecords.ToRecord(known, target));
            return false;
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Runs an action that the rest of the command depends on. If it fails, the error ends the command.</summary>
    /// <param name="action">The action.</param>
    /// <returns>The action's result.</returns>
    protected T Require<T>(Func<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            return action();
        }
        catch (Exception e) when (ErrorRecords.OfLibrary(e) is { } known)
        {
            ThrowTerminatingError(ErrorRecords.ToRecord(known));
            throw;
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc cref="Require{T}"/>
    protected void Require(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Require(() =>
        {
            action();
            return true;
        });
    }

    /// <summary>Asks the user. Where this session cannot prompt, that is an error, and the answer is no.</summary>
    private protected bool Confirm(string query, string caption, Func<IpcException> cannotPrompt, object? target = null)
    {
        try
        {
            return ShouldContinue(query, caption, ref _yesToAll, ref _noToAll);
        }
        catch (Exception e) when (e is HostException or PSInvalidOperationException or PSNotImplementedException)
        {
            WriteError(ErrorRecords.ToRecord(cannotPrompt(), target));
            return false;
        }
    }

    /// <summary>Whether an object that was found, and not named, may be removed: another user's only if the user of the session says
    /// so.</summary>
    private protected bool MayRemove(IpcObjectInfo info, bool force) =>
        force || info.OwnerId is null || info.OwnerId == IpcInventory.CurrentUserId
        || Confirm($"{info.Address} is owned by {info.Owner}. Remove it?", "Another user's object",
            () => new IpcException(IpcErrors.AccessDenied,
                $"'{info.Address}' is owned by {info.Owner}, and this session cannot prompt for confirmation.", info.Address.Text,
                "Use -Force to remove other users' objects."),
            info);

    /// <summary>The deadline that -Timeout and -NoWait stand for, from now on.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the time is negative, or both were given.</exception>
    protected static Deadline DeadlineFrom(IpcTimeout? timeout, bool noWait = false)
    {
        if (noWait && timeout is not null) throw IpcException.Argument("-NoWait and -Timeout exclude each other.");
        return noWait ? Deadline.Immediate : timeout is { } time ? Deadline.After(time.Value) : Deadline.Infinite;
    }

    /// <summary>How long this command waits: until the deadline of <see cref="DeadlineFrom"/>, or until Ctrl+C.</summary>
    protected WaitOptions WaitFrom(IpcTimeout? timeout, bool noWait = false) => new(DeadlineFrom(timeout, noWait), StopToken);

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
