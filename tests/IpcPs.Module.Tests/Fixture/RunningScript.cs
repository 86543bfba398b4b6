using System.Management.Automation;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>A script that a <see cref="ModuleSession"/> has started and not waited for.</summary>
public sealed class RunningScript : IDisposable
{
    private readonly PowerShell _shell;
    private readonly PSDataCollection<PSObject?> _output = [];
    private readonly IAsyncResult _running;
    private SessionResult? _result;

    internal RunningScript(PowerShell shell, IEnumerable<object?>? input)
    {
        _shell = shell;
        var objects = new PSDataCollection<object?>();
        foreach (var o in input ?? []) objects.Add(o);
        objects.Complete();
        _running = shell.BeginInvoke(objects, _output);
    }

    /// <summary>Waits, without polling, for the n-th output object (counted from 1): how a test knows how far the script is.</summary>
    /// <exception cref="InvalidOperationException">The script ended before.</exception>
    public PSObject? WaitForOutput(int n = 1)
    {
        using var enumerator = _output.GetEnumerator();
        for (var i = 0; i < n; i++)
        {
            if (!enumerator.MoveNext())
                throw new InvalidOperationException($"The script ended after {i} objects: {string.Join("; ", Wait().Errors)}");
        }
        return enumerator.Current;
    }

    /// <summary>Does what Ctrl+C does, and gives what had come until then.</summary>
    public SessionResult Stop()
    {
        _shell.Stop();
        return Wait();
    }

    /// <summary>Waits for the end of the script.</summary>
    public SessionResult Wait()
    {
        if (_result is not null) return _result;
        ErrorRecord? terminating = null;
        var stopped = false;
        try
        {
            _shell.EndInvoke(_running);
        }
        catch (PipelineStoppedException)
        {
            stopped = true;
        }
        catch (RuntimeException e)
        {
            terminating = e.ErrorRecord;
        }
        var errors = _shell.Streams.Error.ReadAll();
        if (terminating is not null) errors.Add(terminating);
        return _result = new SessionResult(
            [.. _output],
            errors,
            [.. _shell.Streams.Warning.Select(static w => w.Message)],
            [.. _shell.Streams.Verbose.Select(static v => v.Message)],
            [.. _shell.Streams.Information.Select(static i => i.ToString())],
            [.. _shell.Streams.Progress],
            terminating is not null,
            stopped);
    }

    /// <summary>Stops the script where it still runs.</summary>
    public void Dispose()
    {
        if (_result is null) Stop();
        _shell.Dispose();
        _output.Dispose();
    }
}
