using System.Management.Automation;
using IpcPs.Module.Transformation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary><c>New-IpcSharedMemory</c>: a segment of shared memory, with a name, a key, a path, or none.</summary>
[Cmdlet(VerbsCommon.New, "IpcSharedMemory", SupportsShouldProcess = true)]
[OutputType(typeof(PosixSharedMemory), typeof(SysVSharedMemory), typeof(MappedFile), typeof(AnonymousMemory))]
public sealed class NewIpcSharedMemoryCommand : IpcCmdlet
{
    /// <summary>The name of a POSIX segment.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>Bytes: 4096, 64KB, 1GB.</summary>
    [Parameter(Mandatory = true)]
    public long Size { get; set; }

    /// <summary>Which kind; by default Posix with a name, SysV with a key, File with a path, and else Anonymous.</summary>
    [Parameter]
    public IpcSharedMemoryKind? Kind { get; set; }

    /// <summary>The key of a System V segment: 0x2a, 42 or /path#id; without one the segment is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>Where a mapped file is created; relative to the current location.</summary>
    [Parameter]
    public string? Path { get; set; }

    /// <summary>Who may read and write: 600 (default), '0640', 'u=rw,g=r'.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Takes memory, or disk, page by page as it is touched, instead of all of it now.</summary>
    [Parameter]
    public SwitchParameter Sparse { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var (kind, address) = Place();
        if (!ShouldProcess(address?.Text ?? $"{kind} shared memory without a name", $"Create shared memory of {Size} bytes")) return;
        WriteObject(kind switch
        {
            IpcSharedMemoryKind.Posix => PosixSharedMemory.Create(address!, Size, Mode, Sparse, StopToken),
            IpcSharedMemoryKind.File => MappedFile.Create(address!, Size, Mode, Sparse, StopToken),
            IpcSharedMemoryKind.SysV => SysVSharedMemory.Create(address, Size, Mode),
            _ => (SharedMemorySegment)AnonymousMemory.Create(Size, Mode, Sparse, StopToken),
        });
    });

    /// <summary>Which kind it is to be, and where.</summary>
    private (IpcSharedMemoryKind Kind, IpcAddress? Address) Place()
    {
        // A full address says its kind itself; a name may have a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) ? full : null;
        var said = named?.Scheme switch
        {
            IpcScheme.Shm => IpcSharedMemoryKind.Posix,
            IpcScheme.SysVShm => IpcSharedMemoryKind.SysV,
            IpcScheme.File => IpcSharedMemoryKind.File,
            _ => (IpcSharedMemoryKind?)null,
        };
        if (said is null) named = null;
        var kind = Kind ?? said ?? (Key is not null ? IpcSharedMemoryKind.SysV : Path is not null ? IpcSharedMemoryKind.File : Name is not null ? IpcSharedMemoryKind.Posix : IpcSharedMemoryKind.Anonymous);
        if (named is not null && said != kind) throw IpcException.Argument($"'{named}' is not the address of {kind} shared memory.", Name);
        if (Key is not null && kind != IpcSharedMemoryKind.SysV) throw IpcException.Argument($"-Key goes with -Kind SysV, not with {kind}.", Name);
        if (Path is not null && kind != IpcSharedMemoryKind.File) throw IpcException.Argument($"-Path goes with -Kind File, not with {kind}.", Name);
        if (Path is not null && Name is not null) throw IpcException.Argument("A mapped file has a path and no name: leave out -Name.", Name);
        if (Sparse && kind == IpcSharedMemoryKind.SysV) throw IpcException.Argument("A System V segment always takes memory as it is touched: leave out -Sparse.", Name);
        if (named is not null) return (kind, named);
        return (kind, kind switch
        {
            IpcSharedMemoryKind.Posix => IpcAddress.OfName(IpcScheme.Shm, Name ?? throw IpcException.Argument("POSIX shared memory needs a name; without one use -Kind Anonymous.")),
            IpcSharedMemoryKind.File => IpcAddress.Parse("file:" + GetUnresolvedProviderPathFromPSPath(Path ?? Name ?? throw IpcException.Argument("A mapped file needs a -Path."))),
            IpcSharedMemoryKind.SysV when Name is not null => throw IpcException.Argument($"A System V segment has a key and no name: instead of '{Name}' give -Key 0x2a, -Key 42 or -Key /path#id, or none for a private one.", Name),
            IpcSharedMemoryKind.SysV => Key is null ? null : IpcAddress.Parse("sysvshm:" + Key),
            _ when Name is not null => throw IpcException.Argument($"Anonymous memory has no name: leave out '{Name}', or -Kind Anonymous.", Name),
            _ => null,
        });
    }
}
