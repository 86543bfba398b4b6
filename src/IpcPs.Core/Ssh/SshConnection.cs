using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Sockets;
using IpcPs.Sockets.Native;

namespace IpcPs.Ssh;

/// <summary>One login on another host, by the user's own ssh program. Any number of sessions and forwarded Unix sockets share it (ssh's
/// ControlMaster). Nothing listens on a network address: the sockets are in a private folder on either side.</summary>
/// <remarks>The ssh process of this login runs <see cref="FarScripts"/>' keeper there, which notices within some seconds that the
/// connection is lost, and leaves nothing behind. ssh itself does so here.</remarks>
public sealed partial class SshConnection : IDisposable
{
    private const int KeptLines = 20;
    private const int HandshakeLines = 6;

    /// <summary>How often each side of the connection is notified that the other one lives.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    /// <summary>How long the keeper may take to answer, besides the time that it was given.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(3);

    private static readonly SendOptions Raw = new() { Format = IpcFormat.Bytes };

    private readonly object _guard = new();
    private readonly string _folder;
    private readonly AnonymousPipe _orders = AnonymousPipe.Create();
    private readonly AnonymousPipe _output = AnonymousPipe.Create();
    private readonly AnonymousPipe _error = AnonymousPipe.Create();
    private readonly ChildProcess _master;
    private readonly NativeSocket _listening;
    private readonly Dictionary<string, SshLink> _links = new(StringComparer.Ordinal);
    private readonly List<StreamSocket> _alive = [];
    private readonly List<string> _handshake = [];
    private readonly Queue<string> _said = new();
    private readonly ManualResetEventSlim _ready = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<int, ManualResetEventSlim> _endingGroups = [];
    private int _lastName;
    private bool _isClosed;
    // ssh has ended: nothing can arrive any more.
    private bool _isOver;

    private SshConnection(SshTarget target, string hash)
    {
        Target = target;
        var name = RandomNumberGenerator.GetHexString(16, lowercase: true);
        _folder = NearFolders.Create(name);
        Thread? watch = null;
        try
        {
            _listening = NativeSocket.Create(IpcAddress.Parse($"unix:{_folder}/s"));
            SocketTransport.Listen(_listening);
            _listening.SetBlocking(false);
            _master = ChildProcess.Start(new ChildProcessOptions
            {
                FileName = "ssh",
                Arguments =
                [
                    "-M", "-S", ControlPath, "-T", "-x", "-o", "ControlPersist=no", "-o", "RemoteCommand=none", "-o", "StdinNull=no",
                    "-o", "ForkAfterAuthentication=no", "-o", "ClearAllForwardings=yes", "-o", "StreamLocalBindMask=0177",
                    .. target.Arguments, "-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3",
                    "--", target.HostName, FarScripts.KeeperCommand(name, hash),
                ],
                Descriptors = Inherited(_orders.Reader, _output.Writer, _error.Writer),
                OwnSession = true,
            });
            _orders.Reader.Dispose();
            _output.Writer.Dispose();
            _error.Writer.Dispose();
            watch = BackgroundThread.Start($"IpcPs watches ssh to {target}", Watch);
            BackgroundThread.Start($"IpcPs accepts from {target}", Accept);
            BackgroundThread.Start($"IpcPs keeps {target}", KeepAlive);
        }
        catch
        {
            Abandon(watch);
            throw;
        }
    }

    /// <summary>The host.</summary>
    public SshTarget Target { get; }

    /// <summary>The private folder on the other host.</summary>
    public string FarFolder { get; private set; } = "";

    /// <summary>The folder of the module on the other host.</summary>
    public string FarModule { get; private set; } = "";

    /// <summary>Why it has ended by itself; null as long as it has not.</summary>
    public IpcException? Loss { get; private set; }

    /// <summary>How many sessions use it. <see cref="SshHost"/> counts.</summary>
    internal int Sessions { get; set; }

    /// <summary>When <see cref="Sessions"/> became 0, by <see cref="Environment.TickCount64"/>.</summary>
    internal long IdleSince { get; set; } = Environment.TickCount64;

    private bool IsLoggedIn
    {
        get
        {
            lock (_guard) return _handshake.Count > 0;
        }
    }

    private string ControlPath => $"{_folder}/c";

    private string FarPowerShell { get; set; } = "";

    /// <summary>Logs in, checks PowerShell there, and copies the module there if it has no such copy.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: there is no ssh program; <see cref="IpcErrors.HostNotFound"/>,
    /// <see cref="IpcErrors.HostNotTrusted"/>, <see cref="IpcErrors.LoginRefused"/>, <see cref="IpcErrors.ConnectionFailed"/>,
    /// <see cref="IpcErrors.ForwardingRefused"/>, <see cref="IpcErrors.PowerShellNotFound"/>,
    /// <see cref="IpcErrors.PowerShellTooOld"/>, <see cref="IpcErrors.ModuleNotCopied"/>; <see cref="IpcErrors.Timeout"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal static SshConnection Open(SshTarget target, ModuleArchive module, in WaitOptions wait)
    {
        var connection = new SshConnection(target, module.Hash);
        try
        {
            connection.Prepare(module, wait);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Starts pwsh there. It has ended when the ssh process that is returned has.</summary>
    /// <param name="mark">A word that nothing else contains. When pwsh has ended, a line with it and the exit code comes on standard
    /// error; the session may be held open by programs that pwsh has started.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What its descriptor 3 reads from.</param>
    /// <param name="output">What its descriptor 4 writes to.</param>
    /// <param name="error">What its standard error writes to, and ssh's own.</param>
    /// <exception cref="IpcException">No descriptors or processes are left.</exception>
    public ChildProcess StartPowerShell(
        string mark, IEnumerable<string> arguments, PipeChannel input, PipeChannel output, PipeChannel error) =>
        StartSession(FarScripts.StartCommand(mark, FarPowerShell, arguments), Inherited(input, output, error));

    /// <summary>Sends a signal to a process there, or to a group (a negative number).</summary>
    public void Signal(string signal, int processId) => Order(string.Create(CultureInfo.InvariantCulture, $"k {signal} {processId}"));

    /// <summary>Ends the programs that a process there has left in its group: waits for them, and kills those that are still there when
    /// the time is over. When this returns, none of them runs, unless the connection stands still.</summary>
    /// <param name="group">The group.</param>
    /// <param name="ask">Whether to send them TERM first.</param>
    /// <param name="grace">How long they may take.</param>
    public void EndGroup(int group, bool ask, TimeSpan grace)
    {
        var ended = new ManualResetEventSlim();
        lock (_guard)
        {
            if (_isOver) return;
            _endingGroups[group] = ended;
        }
        Order(string.Create(CultureInfo.InvariantCulture, $"e {(ask ? "ask" : "no")} {group} {(int)Math.Ceiling(grace.TotalSeconds)}"));
        ended.Wait(grace + AnswerTime);
        lock (_guard) _endingGroups.Remove(group);
    }

    /// <summary>Removes a file of <see cref="FarFolder"/>.</summary>
    public void RemoveFar(string name) => Order($"r {name}");

    /// <summary>Waits a while for the end of ssh, where a session has ended as if the connection had.</summary>
    public bool WaitForLoss(TimeSpan timeout) => _ended.Wait(timeout) && Loss is not null;

    /// <summary>Logs out. Sessions that still run end.</summary>
    public void Dispose()
    {
        lock (_guard)
        {
            if (_isClosed) return;
            _isClosed = true;
            foreach (var socket in _alive) socket.Dispose();
            _alive.Clear();
        }
        // The keeper sees the end of its input, cleans up and ends, and so does ssh.
        _orders.Writer.Dispose();
        // Before it has logged in, it does not look at its input.
        if (!_ended.Wait(IsLoggedIn ? TimeSpan.FromSeconds(2) : TimeSpan.Zero))
        {
            _master.Signal(Libc.SIGTERM);
            if (!_ended.Wait(TimeSpan.FromSeconds(2))) _master.SignalGroup(Libc.SIGKILL);
            _ended.Wait();
        }
        _closing.Cancel();
        Release();
    }

    private static InheritedDescriptor[] Inherited(PipeChannel input, PipeChannel output, PipeChannel error)
    {
        InheritedDescriptor[] all =
        [
            new(InheritedObjects.DescriptorsOf(input)[0], 0),
            new(InheritedObjects.DescriptorsOf(output)[0], 1),
            new(InheritedObjects.DescriptorsOf(error)[0], 2),
        ];
        foreach (var descriptor in all) descriptor.MakeBlocking();
        return all;
    }

    private void Prepare(ModuleArchive module, in WaitOptions wait)
    {
        var timeLeft = wait.Deadline.IsInfinite ? Timeout.InfiniteTimeSpan : wait.Deadline.Remaining;
        if (!_ready.Wait(timeLeft, wait.Cancellation))
        {
            throw new IpcException(IpcErrors.Timeout,
                $"Waited {wait.Deadline.Describe()} for a connection to '{Target}'.{SshErrors.Words(Said())}", Target.HostName);
        }
        string[] facts;
        lock (_guard)
        {
            if (_handshake.Count < HandshakeLines) throw SshErrors.NotConnected(Target, [.. _said]);
            facts = [.. _handshake];
        }
        (FarFolder, FarPowerShell, FarModule) = (facts[1], facts[2], facts[4]);
        CheckPowerShell(facts[3]);
        if (facts[5] != "yes") Install(module, wait);
        try
        {
            Forward("-R", $"{FarFolder}/s:{NearPath("s")}", wait);
        }
        catch (IpcException e) when (e.Id == IpcErrors.ForwardingRefused)
        {
            throw new IpcException(e.Id, e.Message, e.Target,
                "sshd there must allow it: AllowStreamLocalForwarding yes (sshd_config(5)), and no DisableForwarding.");
        }
    }

    /// <summary>A session of this login.</summary>
    private ChildProcess StartSession(string command, IReadOnlyList<InheritedDescriptor> descriptors)
    {
        // If this login has ended, ssh would try one of its own: without a configuration, and with a program that connects to nothing.
        return ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "ssh",
            Arguments = [.. ClientArguments, "-T", "-o", "ProxyCommand=false", "--", "host", command],
            Descriptors = descriptors,
            OwnSession = true,
        });
    }

    private string[] ClientArguments => ["-F", "none", "-S", ControlPath, "-o", "LogLevel=ERROR", "-o", "StreamLocalBindMask=0177"];

    private void Order(string order)
    {
        try
        {
            _orders.Writer.Send(Encoding.ASCII.GetBytes(order + "\n"), Raw, Deadline.Immediate);
        }
        catch (IpcException)
        {
            // The connection stands still or has ended. The keeper notices that too, and ends everything.
        }
    }

    private List<string> Said()
    {
        lock (_guard) return [.. _said];
    }

    /// <summary>Reads what ssh and the keeper say, until ssh ends.</summary>
    private void Watch()
    {
        ChildText.ReadUntilExit(_master, _output.Reader, _error.Reader, OnLine, OnSaid);
        _master.WaitForExit();
        SshLink[] links;
        lock (_guard)
        {
            if (!_isClosed && _handshake.Count == HandshakeLines) Loss = SshErrors.Lost(Target, [.. _said]);
            _isOver = true;
            links = [.. _links.Values];
            foreach (var group in _endingGroups.Values) group.Set();
        }
        _ended.Set();
        _ready.Set();
        foreach (var link in links) link.Dispose();
    }

    private void OnLine(string line)
    {
        lock (_guard)
        {
            if (_handshake.Count == HandshakeLines)
            {
                if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var group)
                    && _endingGroups.TryGetValue(group, out var ended)) ended.Set();
                return;
            }
            // Before the greeting, the login shell's own.
            if (_handshake.Count == 0 && line != FarScripts.Greeting) return;
            _handshake.Add(line);
            if (_handshake.Count == HandshakeLines) _ready.Set();
        }
    }

    private void OnSaid(string line)
    {
        lock (_guard)
        {
            _said.Enqueue(line.TrimEnd('\r'));
            if (_said.Count > KeptLines) _said.Dequeue();
        }
    }

    private void KeepAlive()
    {
        while (!_ended.Wait(Beat))
        {
            StreamSocket[] sockets;
            lock (_guard)
            {
                if (_isClosed) return;
                _alive.RemoveAll(static s => s.IsClosed);
                sockets = [.. _alive];
            }
            Order("b");
            foreach (var socket in sockets)
            {
                try
                {
                    socket.Send([0], Raw, Deadline.Immediate);
                }
                catch (IpcException e)
                {
                    if (e.Id != IpcErrors.Full) socket.Dispose();
                }
            }
            SshHost.CloseIdle(this);
        }
        SshHost.CloseIdle(this);
    }

    /// <summary>Not all threads could be started. Those that were end with ssh.</summary>
    private void Abandon(Thread? watch)
    {
        lock (_guard) _isClosed = true;
        _closing.Cancel();
        if (_master is not null)
        {
            _master.SignalGroup(Libc.SIGKILL);
            _master.WaitForExit();
        }
        watch?.Join();
        Release();
    }

    private void Release()
    {
        _orders.Dispose();
        _output.Dispose();
        _error.Dispose();
        _listening?.Dispose();
        _master?.Dispose();
        NearFolders.Remove(_folder);
    }
}
