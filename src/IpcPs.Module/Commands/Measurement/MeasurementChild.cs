using System.Diagnostics;
using IpcPs.Measurement;
using IpcPs.Mechanisms;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Measurement;

/// <summary>The other process of <c>Measure-IpcMechanism</c>: a pwsh that carries the loads of the library, and nothing else.</summary>
public sealed class MeasurementChild : IDisposable
{
    private readonly DuplexPipe _control = DuplexPipe.Create();
    private readonly ChildProcess _process;

    internal MeasurementChild()
    {
        try
        {
            var (fileName, arguments) = ShellCommand.ForChild(typeof(MeasurementChild), $"Run('{_control.Far.Address}')");
            _process = ChildProcess.Start(new ChildProcessOptions { FileName = fileName, Arguments = arguments, OwnSession = true });
        }
        catch
        {
            _control.Dispose();
            throw;
        }
    }

    internal int Id => _process.Id;

    /// <summary>The channel to it.</summary>
    internal IpcChannel Control => _control.Near;

    /// <summary>Runs in the child until the parent closes the channel or ends. Only for processes that <c>Measure-IpcMechanism</c>
    /// starts.</summary>
    /// <param name="address">The channel.</param>
    public static void Run(string address)
    {
        var far = IpcAddress.Parse(address);
        EndWith(far.ProcessId);
        using var control = (IpcChannel)IpcMechanisms.Open(far, new OpenOptions { Access = IpcAccess.ReadWrite });
        LoadPeer.Run(control);
    }

    /// <summary>Ends this process with its parent. Where it waits for the peer of a named pipe, it would not notice otherwise.</summary>
    private static void EndWith(int parent)
    {
        var target = SignalTarget.Open(parent);
        if (!target.IsHeld) return;
        var watch = new Thread(() =>
        {
            target.WaitForEnd(default);
            Process.GetCurrentProcess().Kill();
        });
        watch.IsBackground = true;
        watch.Start();
    }

    /// <summary>Ends it at once: it has nothing to save.</summary>
    public void Dispose()
    {
        _control.Dispose();
        _process.SignalGroup(9);
        _process.WaitForExit();
        _process.Dispose();
    }
}
