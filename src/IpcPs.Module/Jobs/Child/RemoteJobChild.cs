using System.Globalization;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;
using IpcPs.Ssh;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Child;

/// <summary>The entry point of a job's process on another host. Its control messages and records come and go through ssh's session; the
/// rest goes through Unix sockets that ssh forwards.</summary>
public static class RemoteJobChild
{
    /// <summary>How long nothing may come through the connection, which carries a byte a second. Together with the time that a stopped
    /// script gets, less than ten seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5.5);

    /// <summary>Runs the job, and ends the process. Only for processes that <c>Start-IpcJob -HostName</c> starts.</summary>
    public static void Run()
    {
        // First of all, so that a signal to the group reaches the job and not ssh's shell.
        CurrentProcess.LeadGroup();
        var control = InheritedObjects.OpenForeignPipe(JobDescriptors.Control, isReader: true);
        var records = InheritedObjects.OpenForeignPipe(JobDescriptors.Records, isReader: false);
        var message = new MessageBuffer();
        if (!control.Receive(message)) return;
        var connect = ConnectMessage.From(new JobSerializer().Decode(message.Payload));
        var file = Path.Combine(connect.Folder, string.Create(CultureInfo.InvariantCulture, $"p{Environment.ProcessId}"));
        File.WriteAllText(file, "");
        int exitCode;
        using (var output = Open(connect.Output))
        using (var lost = new CancellationTokenSource())
        {
            CurrentProcess.SendStandardOutputTo(output);
            // The runtime has a copy of the descriptor as it was before.
            Console.SetOut(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
            var alive = Open(connect.Alive);
            new Thread(() => Watch(alive, lost)) { IsBackground = true, Name = "IpcPs job connection" }.Start();
            using var session = new JobSession(control, records, null, Open(connect.Parent), lost.Token);
            session.Announce(JobStreamId.Started, Environment.ProcessId);
            exitCode = session.Run();
            // Also where a program that was left behind has it: no more of it reaches the job.
            Console.Out.Flush();
            Deliver(output, lost.Token);
        }
        File.Delete(file);
        Environment.Exit(exitCode);
    }

    private static IpcChannel Open(string connectionString) => SshInput.Factory.OpenWriter(connectionString, CancellationToken.None);

    private static void Deliver(IpcChannel output, CancellationToken lost)
    {
        try
        {
            JobTransport.WaitForReader(output, lost);
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // The job says why.
        }
    }

    private static void Watch(IpcChannel alive, CancellationTokenSource lost)
    {
        var message = new MessageBuffer();
        var options = new ReceiveOptions { Format = IpcFormat.Bytes };
        try
        {
            while (alive.Receive(message, options, Deadline.After(Patience))) continue;
        }
        catch (IpcException)
        {
            // Nothing came for too long.
        }
        try
        {
            lost.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The job has ended meanwhile.
        }
    }
}
