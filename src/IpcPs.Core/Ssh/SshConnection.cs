using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Sockets;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;

namespace IpcPs.Ssh;

/// <summary>One login on another host, by the user's own ssh program. Any number of sessions and forwarded Unix sockets share it (ssh's
/// ControlMaster). Nothing listens on a network address: the sockets are in a private folder on either side.</summary>
/// <remarks>The ssh process of this login runs <see cref="FarScripts"/>' keeper there, which notices within some seconds that the
/// connection is lost, and leaves nothing behind. ssh itself does so here.</remarks>
public sealed partial class SshConnection : IDisposable
{
    private const int KeptLines = 20;
    private const int HandshakeLines = 6;
    private const int Backlog = 256;

    /// <summary>How often each side of the connection is notified that the other one lives.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

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
    private int _lastName;
    private bool _isClosed;

    private SshConnection(SshTarget target, string hash)
    {
        Target = target;
        var name = RandomNumberGenerator.GetHexString(16, lowercase: true);
        _folder = NearFolders.Create(name);
        try
        {
            _listening = Listen(IpcAddress.Parse($"unix:{_folder}/s"));
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
        }
        catch
        {
            Release();
            throw;
        }
        _orders.Reader.Dispose();
        _output.Writer.Dispose();
        _error.Writer.Dispose();
        BackgroundThread.Start($"IpcPs watches ssh to {target}", Watch);
        BackgroundThread.Start($"IpcPs accepts from {target}", Accept);
        BackgroundThread.Start($"IpcPs keeps {target}", KeepAlive);
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
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What its descriptor 3 reads from.</param>
    /// <param name="output">What its descriptor 4 writes to.</param>
    /// <param name="error">What its standard error writes to, and ssh's own.</param>
    /// <exception cref="IpcException">No descriptors or processes are left.</exception>
    public ChildProcess StartPowerShell(IEnumerable<string> arguments, PipeChannel input, PipeChannel output, PipeChannel error) =>
        StartSession(FarScripts.StartCommand(FarPowerShell, arguments), Inherited(input, output, error));

    /// <summary>Expects a connection from a process there.</summary>
    /// <param name="onArrived">Called with it, on any thread.</param>
    public SshLink Expect(Action<StreamSocket>? onArrived = null)
    {
        var link = new SshLink(this, RandomNumberGenerator.GetHexString(64, lowercase: true), onArrived);
        lock (_guard)
        {
            if (!_isClosed) _links.Add(link.Key, link);
        }
        return link;
    }

    /// <summary>Sends on a socket a byte a second, until it is closed.</summary>
    public void KeepAlive(StreamSocket socket)
    {
        lock (_guard)
        {
            if (_isClosed) socket.Dispose();
            else _alive.Add(socket);
        }
    }

    /// <summary>Sends a signal to a process there, or to a group (a negative number).</summary>
    public void Signal(string signal, int processId) => Order(string.Create(CultureInfo.InvariantCulture, $"k {signal} {processId}"));

    /// <summary>Removes a file of <see cref="FarFolder"/>.</summary>
    public void RemoveFar(string name) => Order($"r {name}");

    /// <summary>A new name for a socket, which is not in use on either side.</summary>
    internal string NewName() => string.Create(CultureInfo.InvariantCulture, $"l{Interlocked.Increment(ref _lastName)}");

    /// <summary>The path of a socket here.</summary>
    internal string NearPath(string name) => $"{_folder}/{name}";

    /// <summary>Lets ssh listen on a socket there, whose connections go to one here.</summary>
    internal void ForwardFromFar(string farName, string nearPath) => Control("forward", "-R", $"{FarFolder}/{farName}:{nearPath}");

    /// <summary>Lets ssh listen on a socket here, whose connections go to one there.</summary>
    internal void ForwardToFar(string nearPath, string farName) => Control("forward", "-L", $"{nearPath}:{FarFolder}/{farName}");

    /// <summary>Ends <see cref="ForwardFromFar"/>.</summary>
    internal void CancelFromFar(string farName, string nearPath)
    {
        TryControl("cancel", "-R", $"{FarFolder}/{farName}:{nearPath}");
        RemoveFar(farName);
    }

    /// <summary>Ends <see cref="ForwardToFar"/>.</summary>
    internal void CancelToFar(string nearPath, string farName)
    {
        TryControl("cancel", "-L", $"{nearPath}:{FarFolder}/{farName}");
        File.Delete(nearPath);
    }

    /// <summary>Waits a while for the end of ssh, where a session has ended as if the connection had.</summary>
    public bool WaitForLoss(TimeSpan timeout) => _ended.Wait(timeout) && Loss is not null;

    internal void Forget(SshLink link)
    {
        lock (_guard) _links.Remove(link.Key);
    }

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

    private static NativeSocket Listen(IpcAddress address)
    {
        var socket = NativeSocket.Create(address);
        var errno = socket.TryBind(NativeSocketAddress.Of(address));
        socket.SetBlocking(false);
        if (errno == 0 && Libc.listen(socket.Descriptor, Backlog) == 0) return socket;
        if (errno == 0) errno = Marshal.GetLastPInvokeError();
        socket.Dispose();
        throw IpcException.FromErrno("bind", errno, address.Text);
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
            ForwardFromFar("s", $"{_folder}/s");
        }
        catch (IpcException e) when (e.Id == IpcErrors.ForwardingRefused)
        {
            throw new IpcException(e.Id, e.Message, e.Target,
                "sshd there must allow it: AllowStreamLocalForwarding yes (sshd_config(5)), and no DisableForwarding.");
        }
    }

    private void CheckPowerShell(string said)
    {
        if (FarPowerShell.Length == 0)
        {
            throw new IpcException(IpcErrors.PowerShellNotFound, $"There is no pwsh on '{Target}'.", Target.HostName,
                $"Install PowerShell 7.4 or later there. 'ssh {Target} command -v pwsh' must find it: a login that runs a command may have "
                + "another PATH.");
        }
        var words = said.Split(' ', '-');
        if (words is not ["PowerShell", var text, ..] || !Version.TryParse(text, out var version))
        {
            throw new IpcException(IpcErrors.PowerShellNotFound,
                $"'{FarPowerShell}' on '{Target}' does not say its version. It says: {said}", Target.HostName,
                "Correct that installation.");
        }
        if (version >= new Version(7, 4)) return;
        throw new IpcException(IpcErrors.PowerShellTooOld, $"PowerShell on '{Target}' is version {text}. A job needs 7.4 or later.",
            Target.HostName, $"Update '{FarPowerShell}' there.");
    }

    private void Install(ModuleArchive module, in WaitOptions wait)
    {
        using var input = AnonymousPipe.Create();
        using var output = AnonymousPipe.Create();
        using var error = AnonymousPipe.Create();
        var child = StartSession(FarScripts.InstallCommand(FarModule, RandomNumberGenerator.GetHexString(8, lowercase: true)),
            Inherited(input.Reader, output.Writer, error.Writer));
        input.Reader.Dispose();
        output.Writer.Dispose();
        error.Writer.Dispose();
        var said = new List<string>();
        try
        {
            var archive = module.Write();
            var sender = BackgroundThread.Start("IpcPs sends the module", () =>
            {
                try
                {
                    input.Writer.Send(archive, Raw, default);
                }
                catch (IpcException)
                {
                    // The other side says why.
                }
                input.Writer.Dispose();
            });
            if (!ChildText.ReadUntilExit(child, output.Reader, error.Reader, said.Add, said.Add, wait))
                throw IpcException.TimedOut($"the copy of the module on '{Target}'", Target.HostName, wait.Deadline);
            child.WaitForExit();
            sender.Join();
            if (child.Exit is not { IsSuccess: true })
            {
                throw new IpcException(IpcErrors.ModuleNotCopied,
                    $"IpcPs could not be copied to '{Target}' ({FarModule}).{SshErrors.Words(said)}", Target.HostName,
                    $"'ssh {Target}' must be able to write there, with tar and sha256sum.");
            }
        }
        finally
        {
            if (child.Exit is null) child.SignalGroup(Libc.SIGKILL);
            child.Dispose();
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

    private void Control(string order, string kind, string forward)
    {
        if (TryControl(order, kind, forward) is { } said)
        {
            throw Loss ?? new IpcException(IpcErrors.ForwardingRefused,
                $"A Unix socket could not be forwarded to or from '{Target}'.{SshErrors.Words(said)}", Target.HostName);
        }
    }

    /// <returns>Null if it succeeded, or what ssh said.</returns>
    private List<string>? TryControl(string order, string kind, string forward)
    {
        using var output = AnonymousPipe.Create();
        using var error = AnonymousPipe.Create();
        InheritedDescriptor standardOutput = new(InheritedObjects.DescriptorsOf(output.Writer)[0], 1);
        InheritedDescriptor standardError = new(InheritedObjects.DescriptorsOf(error.Writer)[0], 2);
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "ssh",
            Arguments = [.. ClientArguments, "-O", order, kind, forward, "--", "host"],
            Descriptors = [standardOutput, standardError],
            OwnSession = true,
        });
        output.Writer.Dispose();
        error.Writer.Dispose();
        var said = new List<string>();
        ChildText.ReadUntilExit(child, output.Reader, error.Reader, said.Add, said.Add);
        child.WaitForExit();
        return child.Exit is { IsSuccess: true } ? null : said;
    }

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
        lock (_guard)
        {
            if (!_isClosed && _handshake.Count == HandshakeLines) Loss = SshErrors.Lost(Target, [.. _said]);
        }
        _ended.Set();
        _ready.Set();
    }

    private void OnLine(string line)
    {
        lock (_guard)
        {
            // Before the greeting, the login shell's own.
            if (_handshake.Count == HandshakeLines || (_handshake.Count == 0 && line != FarScripts.Greeting)) return;
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

    /// <summary>Accepts what processes there connect through ssh.</summary>
    private void Accept()
    {
        using var acceptor = new InlineAcceptor(_listening, AllowedUsers.OwnOrUnknown(), new RejectedClientLog());
        try
        {
            while (true)
            {
                Waiter.Poll(acceptor.Readiness, PollEvents.In, new(Deadline.Infinite, _closing.Token));
                if (acceptor.TryAccept()?.Channel is StreamSocket socket)
                    BackgroundThread.Start($"IpcPs greets a client of {Target}", () => Greet(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IpcException or ObjectDisposedException)
        {
            // It is closed, or no descriptors are left: then jobs fail that wait for theirs.
        }
    }

    private void Greet(StreamSocket socket)
    {
        try
        {
            var message = new MessageBuffer();
            var options = new ReceiveOptions { Format = IpcFormat.Object };
            if (socket.Receive(message, options, new(Deadline.After(TimeSpan.FromSeconds(10)), _closing.Token)))
            {
                SshLink? link;
                lock (_guard) _links.Remove(Encoding.ASCII.GetString(message.Span), out link);
                if (link is not null)
                {
                    link.Arrive(socket);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // It was no process of a job.
        }
        socket.Dispose();
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
