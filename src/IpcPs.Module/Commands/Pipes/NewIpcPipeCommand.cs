using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Pipes;

namespace IpcPs.Module.Commands.Pipes;

/// <summary><c>New-IpcPipe</c>: creates an anonymous pipe, a pair of them, or with a name or a path a FIFO.</summary>
[Cmdlet(VerbsCommon.New, "IpcPipe", DefaultParameterSetName = AnonymousSet, SupportsShouldProcess = true)]
[OutputType(typeof(AnonymousPipe), ParameterSetName = [AnonymousSet])]
[OutputType(typeof(DuplexPipe), ParameterSetName = [AnonymousSet])]
[OutputType(typeof(NamedPipe), ParameterSetName = [NameSet, PathSet])]
public sealed class NewIpcPipeCommand : IpcCmdlet
{
    private const string AnonymousSet = "Anonymous";
    private const string NameSet = "Name";
    private const string PathSet = "Path";

    /// <summary>The name of a FIFO in the runtime folder.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    public string Name { get; set; } = null!;

    /// <summary>The path of the FIFO, relative to the current location.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    public string Path { get; set; } = null!;

    /// <summary>Creates two anonymous pipes, one for each direction, with a .Near and a .Far end.</summary>
    [Parameter(ParameterSetName = AnonymousSet)]
    public SwitchParameter Duplex { get; set; }

    /// <summary>How many bytes the pipe holds before a sender waits; the kernel's default is 64 KiB.</summary>
    [Parameter(ParameterSetName = AnonymousSet)]
    public long? Capacity { get; set; }

    /// <summary>Permissions of a FIFO: 600 (default), '0660', 'u=rw,g=r'.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ModeTransformation]
    [ArgumentCompleter(typeof(ModeCompleter))]
    public IpcMode Mode { get; set; } = IpcMode.Private;

    /// <summary>Uses a FIFO that exists already, if it is the current user's and has the -Mode. If it differs, that is an error.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (ParameterSetName == AnonymousSet)
        {
            WriteObject(Duplex ? DuplexPipe.Create(Capacity) : AnonymousPipe.Create(Capacity));
            return;
        }
        // Any text but an address of a FIFO is a name, even with a colon in it.
        var text = ParameterSetName == PathSet ? "fifo:" + GetUnresolvedProviderPathFromPSPath(Path)
            : Name.StartsWith("fifo:", StringComparison.OrdinalIgnoreCase) ? Name : "fifo:" + Name;
        var address = IpcAddress.Parse(text);
        if (!ShouldProcess(address.Text, "Create named pipe")) return;
        IpcMode? wanted = MyInvocation.BoundParameters.ContainsKey(nameof(Mode)) ? Mode : null;
        WriteObject(ExistingObject.CreateOrOpen(
            address, Force, wanted, () => NamedPipe.Create(address, Mode.Value), static _ => [], StopToken));
    });
}
