using System.Collections;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Remote;
using IpcPs.Ssh;

namespace IpcPs.Module.Commands.Jobs;

/// <content>Other hosts.</content>
public abstract partial class WorkerCommand
{
    /// <summary>The hosts that run the processes, over ssh: a job for each of them, or workers that are shared out among them.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(HostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? HostName { get; set; }

    /// <summary>The user on the hosts.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? UserName { get; set; }

    /// <summary>The port of ssh on the hosts.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The file with the private key for the hosts.</summary>
    [Parameter]
    [Alias("IdentityFilePath")]
    [ValidateNotNullOrEmpty]
    public string? KeyFilePath { get; set; }

    /// <summary>More options of ssh, as in ssh_config(5).</summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? Options { get; set; }

    /// <summary>How long a connection may take, in milliseconds; -1 for any time.</summary>
    [Parameter]
    [ValidateRange(-1, int.MaxValue)]
    public int ConnectingTimeout { get; set; } = -1;

    /// <summary>Connects to all hosts at once. Where each host has a job of its own, one that fails does not keep the others from
    /// theirs.</summary>
    /// <param name="workers">The number of workers that share the hosts; null for one process on each.</param>
    /// <returns>Those that there are connections to; empty for this machine.</returns>
    /// <exception cref="IpcException">As <see cref="SshHost.Connect"/>; <see cref="IpcErrors.InvalidArgument"/>.</exception>
    /// <exception cref="OperationCanceledException">The command was stopped.</exception>
    private protected IReadOnlyList<SshHost> Connect(int? workers)
    {
        if (HostName is null)
        {
            CheckWithoutHosts();
            return [];
        }
        if (Pool is not null)
            throw IpcException.Argument("The processes of a pool are of this machine: -Pool and -HostName exclude each other.");
        var options = (Options ?? []).Cast<DictionaryEntry>()
            .ToDictionary(static o => o.Key.ToString() ?? "", static o => o.Value?.ToString() ?? "", StringComparer.Ordinal);
        var key = KeyFilePath is null ? null : GetUnresolvedProviderPathFromPSPath(KeyFilePath);
        var hosts = HostName.Select(h => SshHost.Of(SshTarget.Parse(h, UserName, Port, key, options))).ToArray();
        // A host that is named twice needs twice as many.
        var needed = hosts.Select((h, i) => (Host: h, Sessions: workers is { } count ? (count - i + hosts.Length - 1) / hosts.Length : 1))
            .GroupBy(static n => n.Host, static n => n.Sessions).ToArray();
        var deadline = ConnectingTimeout < 0 ? Deadline.Infinite : Deadline.After(TimeSpan.FromMilliseconds(ConnectingTimeout));
        var wait = new WaitOptions(deadline, StopToken);
        var failures = new Dictionary<SshHost, Exception>();
        // A thread for each: they wait for the network.
        var threads = needed.Select(n => new Thread(() => TryConnect(n.Key, n.Sum(), failures, wait))
        { IsBackground = true, Name = $"IpcPs connects to {n.Key.Target}" }).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        // What is no failure of a host, such as Ctrl+C.
        if (failures.Values.FirstOrDefault(static f => f is not IpcException) is { } other) ExceptionDispatchInfo.Throw(other);
        var connected = hosts.Where(h => !failures.ContainsKey(h)).ToArray();
        foreach (var host in needed.Where(n => failures.ContainsKey(n.Key)))
        {
            var failure = (IpcException)failures[host.Key];
            if (workers is not null || connected.Length == 0) throw failure;
            WriteError(ErrorRecords.ToRecord(failure));
        }
        return connected;
    }

    private static void TryConnect(SshHost host, int sessions, Dictionary<SshHost, Exception> failures, in WaitOptions wait)
    {
        try
        {
            host.Connect(sessions, RemoteModule.Archive, wait);
        }
        catch (Exception e)
        {
            // Any: on a thread of its own, it would end the whole process.
            lock (failures) failures.Add(host, ErrorRecords.OfLibrary(e) ?? e);
        }
    }

    private void CheckWithoutHosts()
    {
        string[] others = [nameof(UserName), nameof(Port), nameof(KeyFilePath), nameof(Options), nameof(ConnectingTimeout)];
        if (others.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey) is { } other)
            throw IpcException.Argument($"-{other} needs -HostName.");
    }
}
