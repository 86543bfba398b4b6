using System.Management.Automation;

namespace IpcPs.Module.Commands.Signals;

/// <summary>A command that runs inside a cmdlet, and can be stopped without it. The cmdlet writes what the command writes.</summary>
internal sealed class NestedScript : IDisposable
{
    private readonly PowerShell _shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
    private readonly PSDataCollection<PSObject> _output = [];
    private volatile bool _isStopped;

    private NestedScript()
    {
    }

    /// <summary>Prepares a command.</summary>
    /// <param name="owner">The cmdlet.</param>
    /// <param name="command">The command.</param>
    /// <param name="parameters">The command's parameters, as the properties of an object.</param>
    public static NestedScript Of(Cmdlet owner, string command, object parameters)
    {
        var script = new NestedScript();
        script._shell.AddCommand(command);
        foreach (var property in parameters.GetType().GetProperties())
            script._shell.AddParameter(property.Name, property.GetValue(parameters));
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
            // As Stop asked. When the session itself is stopped, the exception goes on.
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
            // It has just ended by itself.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shell.Dispose();
        _output.Dispose();
    }

    // The nested pipeline runs on the cmdlet's own thread, so the cmdlet may write.
    private static void Pass<T>(PSDataCollection<T> from, Action<T> write) => from.DataAdded += (_, _) =>
    {
        foreach (var item in from.ReadAll()) write(item);
    };
}
