using IpcPs.Linux;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>A process that runs one job, and what leads to it: a child of this process, or a process on another host.</summary>
internal interface IJobProcess : IDisposable
{
    /// <summary>Its id on this machine; null for a process on another host.</summary>
    int? ProcessId { get; }

    /// <summary>The other host; null for a process of this machine.</summary>
    string? HostName { get; }

    /// <summary>Where it runs: "process 4711".</summary>
    string Location { get; }

    /// <summary>How it ended; null until <see cref="WaitForExit"/> has returned.</summary>
    ProcessExit? Exit { get; }

    /// <summary>Why it ended, or could not do its work, where its own end does not say it; null for no such reason.</summary>
    IpcException? Failure { get; }

    /// <summary>Messages to the process.</summary>
    IpcChannel Control { get; }

    /// <summary>Records and messages from the process.</summary>
    IpcChannel Records { get; }

    /// <summary>This end of <c>$IpcParent</c>. It stays open longer than the rest.</summary>
    IpcChannel Channel { get; }

    /// <summary>Passes the descriptors that a start message refers to. Call it once, before that message is sent.</summary>
    void Pass(IReadOnlyList<SafeDescriptor> descriptors);

    /// <summary>Creates what carries the job's input.</summary>
    /// <param name="via">What it should be.</param>
    /// <param name="kind">What it is.</param>
    JobTransport CreateInput(JobTransportFactory via, out JobTransportFactory kind);

    /// <summary>Makes the transport that the output goes to reachable from the process.</summary>
    /// <param name="output">How a child of this process opens it.</param>
    /// <returns>How the process opens it.</returns>
    RedirectMessage Reach(RedirectMessage output);

    /// <summary>Reads standard output and error until the process ends.</summary>
    void ReadText(Action<string> onOutput, Action<string> onError);

    /// <summary>A message that only a process on another host sends.</summary>
    void OnMessage(JobStreamId id, object? content);

    /// <summary>The script has ended, so the process will.</summary>
    void OnScriptEnded();

    /// <summary>Asks the process to end: TERM.</summary>
    void RequestStop();

    /// <summary>Kills it with all programs that it started. Does not wait.</summary>
    void Kill();

    /// <summary>Ends the programs that it has left behind. See <see cref="ChildProcess.EndGroup"/>.</summary>
    void EndGroup(bool ask, in WaitOptions grace);

    /// <summary>Waits for its end.</summary>
    void WaitForExit();

    /// <summary>Kills it, waits for its end, and releases it: its job could not start.</summary>
    void Abandon();

    /// <summary>Releases the process itself, after <see cref="IDisposable.Dispose"/>, which closes everything but
    /// <see cref="Channel"/>.</summary>
    void Release();
}
