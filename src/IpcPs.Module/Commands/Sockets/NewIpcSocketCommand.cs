using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Module.Commands.Sockets;

/// <summary><c>New-IpcSocket</c>: creates a socket that listens: unix, or TCP or UDP over loopback.</summary>
[Cmdlet(VerbsCommon.New, "IpcSocket", DefaultParameterSetName = AddressSet, SupportsShouldProcess = true)]
[OutputType(typeof(SocketListener), typeof(DatagramListener))]
public sealed class NewIpcSocketCommand : IpcCmdlet
{
    private const string AddressSet = "Address";
    private const string ActivatedSet = "Activated";

    /// <summary>The address to listen at: unix:NAME, unix:/path, unix:@NAME, tcp:127.0.0.1:PORT or udp:127.0.0.1:PORT. NAME alone is a unix
    /// socket in the runtime folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = AddressSet)]
    public string Address { get; set; } = null!;

    /// <summary>Unix sockets: the type, the same as '?type=' in the address.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    public IpcSocketType Type { get; set; }

    /// <summary>How many connections can wait to be accepted, up to net.core.somaxconn.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [ValidateRange(1, int.MaxValue)]
    public int Backlog { get; set; }

    /// <summary>Users that are served besides the current user, by name or number; * for all users.</summary>
    [Parameter]
    public string[]? AllowUser { get; set; }

    /// <summary>Permissions of a unix socket's file: 600, '0660', 'u=rw,g=rw'. The default is 600, and 666 with -AllowUser.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [ModeTransformation]
    [ArgumentCompleter(typeof(ModeCompleter))]
    public IpcMode? Mode { get; set; }

    /// <summary>Uses the sockets that a service manager opened before it started this process (LISTEN_FDS).</summary>
    [Parameter(Mandatory = true, ParameterSetName = ActivatedSet)]
    public SwitchParameter Activated { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (ParameterSetName == ActivatedSet)
        {
            var sockets = SocketActivation.Take(AllowUser);
            if (sockets.Count == 0 && SocketActivation.Problem is { } problem) WriteWarning(problem);
            WriteObject(sockets, enumerateCollection: true);
            return;
        }
        var address = IpcAddress.Parse(FullAddress());
        if (Mode is not null && address.Path is null)
            throw IpcException.Argument("Only a unix socket that has a file has a -Mode.", address.Text);
        if (!ShouldProcess(address.Text, "Listen")) return;
        if (AllowUser is not null && address is { Path: not null, Name: not null })
        {
            WriteWarning($"Other users cannot reach '{address}', because the runtime folder is private to the current user. "
                + "Use a path that they can reach, or an abstract name (unix:@NAME).");
        }
        var options = new SocketListenOptions { Backlog = Backlog, AllowUsers = AllowUser, Mode = Mode?.Value };
        WriteObject(IpcSocket.Listen(address, options, StopToken));
    });

    private string FullAddress()
    {
        var text = Address.Contains(':', StringComparison.Ordinal) ? Address : "unix:" + Address;
        if (!MyInvocation.BoundParameters.ContainsKey(nameof(Type))) return text;
        if (text.Contains('?', StringComparison.Ordinal))
            throw IpcException.Argument("The address says its type already: omit -Type.", text);
        return $"{text}?type={Type.ToString().ToLowerInvariant()}";
    }
}
