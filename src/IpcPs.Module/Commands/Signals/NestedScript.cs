using System.Management.Automation;

namespace IpcPs.Module.Commands.Signals;

/// <summary>Runs a command in the session of a cmdlet, in the midst of it, in such a way that it alone can be stopped. What it writes to any stream, the cmdlet writes.</summary>
internal sealed class NestedScript : IDisposable
{
    private readonly Cmdlet _owner;
    private readonly PowerShell _shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
    private readonly PSDataCollection<PSObject> _output = [];
    private volatile bool _isStopped;

    private NestedScript(Cmdlet owner) => _owner = owner;

    /// <summary>Prepares a command.</summary>
    /// <param name="owner">Who writes what it writes.</param>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Its parameters: an object's properties.</param>
    public static NestedScript Of(Cmdlet owner, string command, object parameters)
    {
        var script = new NestedScript(owner);
        script._shell.AddCommand(command);
        foreach (var property in parameters.GetType().GetProperties()) script._shell.AddParameter(property.Name, property.GetValue(parameters));
        var streams = script._shell.Streams;
        Pass(script._output, owner.WriteObject);
        Pass(streams.Error, owner.WriteError);
        Pass(streams.Warning, record => owner.WriteWarning(record.Message));
        Pass(streams.Verbose, record => owner.WriteVerbose(record.Message));
        Pass(streams.Debug, record => owner.WriteDebug(record.Message));
        Pass(streams.Information, owner.WriteInformation);
        Pass(streams.Progress, owner.WriteProgress);
        return script;
    }

    /// <summary>Runs it to its end, or until it is stopped.</summary>
    public void Run()
    {
        if (_isStopped) return;
        try
        {
            _shell.Invoke(null, _output);
        }
        catch (PipelineStoppedException) when (_isStopped)
        {
            // As it should be. Where the session itself is stopped, that exception goes on.
        }
    }

    /// <summary>Stops it, from any thread.</summary>
    public void Stop()
    {
        _isStopped = true;
        try
        {
            _shell.Stop();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself just then.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shell.Dispose();
        _output.Dispose();
    }

    // On the cmdlet's own thread, as the nested pipeline runs on it; so the cmdlet may write.
    private static void Pass<T>(PSDataCollection<T> from, Action<T> write) => from.DataAdded += (_, _) =>
    {
        foreach (var item in from.ReadAll()) write(item);
    };
}
