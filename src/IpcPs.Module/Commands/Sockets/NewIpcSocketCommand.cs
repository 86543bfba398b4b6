using System.Management.Automation;
using IpcPs.Module.Transformation;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Module.Commands.Sockets;

/// <summary><c>New-IpcSocket</c>: a socket that listens: unix, TCP or UDP over loopback.</summary>
[Cmdlet(VerbsCommon.New, "IpcSocket", DefaultParameterSetName = AddressSet, SupportsShouldProcess = true)]
[OutputType(typeof(SocketListener), typeof(DatagramListener))]
public sealed class NewIpcSocketCommand : IpcCmdlet
{
    private const string AddressSet = "Address";
    private const string ActivatedSet = "Activated";

    /// <summary>Where to listen: unix:NAME, unix:/path, unix:@NAME, tcp:127.0.0.1:PORT, udp:127.0.0.1:PORT; a bare NAME is a unix socket in the runtime folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = AddressSet)]
    public string Address { get; set; } = null!;

    /// <summary>Unix sockets: the type, as '?type=' in the address.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    public IpcSocketType Type { get; set; }

    /// <summary>Connections that wait until they are accepted; net.core.somaxconn is the most.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [ValidateRange(1, int.MaxValue)]
    public int Backlog { get; set; }

    /// <summary>Users that are served besides the own one: names or numbers; * for everybody.</summary>
    [Parameter]
    public string[]? AllowUser { get; set; }

    /// <summary>Permissions of a unix socket's file: 600, '0660', 'u=rw,g=rw'. Without it 600, and 666 with -AllowUser.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [ModeTransformation]
    public UnixFileMode? Mode { get; set; }

    /// <summary>Takes over the sockets that a service manager opened before it started this process (LISTEN_FDS).</summary>
    [Parameter(Mandatory = true, ParameterSetName = ActivatedSet)]
    public SwitchParameter Activated { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (ParameterSetName == ActivatedSet)
        {
            WriteObject(SocketActivation.Take(AllowUser), enumerateCollection: true);
            return;
        }
        var address = IpcAddress.Parse(FullAddress());
        if (Mode is not null && address.Path is null) throw IpcException.Argument("Only a unix socket that has a file has a -Mode.", address.Text);
        if (!ShouldProcess(address.Text, "Listen")) return;
        if (AllowUser is not null && address is { Path: not null, Name: not null })
            WriteWarning($"Other users can't reach '{address}': the runtime folder is this user's alone. Give a path that they can reach, or an abstract name (unix:@NAME).");
        WriteObject(IpcSocket.Listen(address, new SocketListenOptions { Backlog = Backlog, AllowUsers = AllowUser, Mode = Mode }, StopToken));
    });

    private string FullAddress()
    {
        var text = Address.Contains(':', StringComparison.Ordinal) ? Address : "unix:" + Address;
        if (!MyInvocation.BoundParameters.ContainsKey(nameof(Type))) return text;
        if (text.Contains('?', StringComparison.Ordinal)) throw IpcException.Argument("The address says its type already; -Type is not needed.", text);
        return $"{text}?type={Type.ToString().ToLowerInvariant()}";
    }
}
