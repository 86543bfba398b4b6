using System.Management.Automation;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>The kinds of shared memory that <c>New-IpcSharedMemory</c> creates.</summary>
public enum IpcSharedMemoryKind
{
    /// <summary>POSIX shared memory: it has a name; shm_overview(7).</summary>
    Posix,
    /// <summary>A System V segment: it has a key; sysvipc(7).</summary>
    SysV,
    /// <summary>A mapped file: it has a path; mmap(2).</summary>
    File,
    /// <summary>Memory without a name: it is passed on as a descriptor, and freed when no process has it open; memfd_create(2).</summary>
    Anonymous,
}

/// <summary><c>New-IpcSharedMemory</c>: creates shared memory with a name, a key, a path, or without any.</summary>
[Cmdlet(VerbsCommon.New, "IpcSharedMemory", SupportsShouldProcess = true)]
[OutputType(typeof(PosixSharedMemory), typeof(SysVSharedMemory), typeof(MappedFile), typeof(AnonymousMemory))]
public sealed class NewIpcSharedMemoryCommand : NewObjectCommand
{
    /// <summary>The name of a POSIX segment.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>The size in bytes: 4096, 64KB, 1GB.</summary>
    [Parameter(Mandatory = true)]
    public long Size { get; set; }

    /// <summary>The kind; by default Posix with a name, SysV with a key, File with a path, else Anonymous.</summary>
    [Parameter]
    public IpcSharedMemoryKind? Kind { get; set; }

    /// <summary>The key of a System V segment: 0x2a, 42 or /path#id. Without a key the segment is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>The path of a mapped file, relative to the current location.</summary>
    [Parameter]
    public string? Path { get; set; }

    /// <summary>Allocates each page of memory or disk when it is used first, instead of all of it now.</summary>
    [Parameter]
    public SwitchParameter Sparse { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var (kind, address) = Place();
        if (!ShouldProcess(address?.Text ?? $"{kind} shared memory without a name", $"Create shared memory of {Size} bytes")) return;
        WriteObject(CreateOrOpen(address, () => Create(kind, address),
            segment => [ExistingObject.Difference("size", segment.Size, Size)]));
    });

    private SharedMemorySegment Create(IpcSharedMemoryKind kind, IpcAddress? address) => kind switch
    {
        IpcSharedMemoryKind.Posix => PosixSharedMemory.Create(address!, Size, Mode.Value, Sparse, StopToken),
        IpcSharedMemoryKind.File => MappedFile.Create(address!, Size, Mode.Value, Sparse, StopToken),
        IpcSharedMemoryKind.SysV => SysVSharedMemory.Create(address, Size, Mode.Value),
        _ => AnonymousMemory.Create(Size, Mode.Value, Sparse, StopToken),
    };

    /// <summary>The kind and the address of the new memory; a null address for private and anonymous memory.</summary>
    private (IpcSharedMemoryKind Kind, IpcAddress? Address) Place()
    {
        // A full address has the kind in it. Any other text is a name, even with a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) ? full : null;
        var namedKind = named?.Scheme switch
        {
            IpcScheme.Shm => IpcSharedMemoryKind.Posix,
            IpcScheme.SysVShm => IpcSharedMemoryKind.SysV,
            IpcScheme.File => IpcSharedMemoryKind.File,
            _ => (IpcSharedMemoryKind?)null,
        };
        if (namedKind is null) named = null;
        var kind = Kind ?? namedKind ?? (this switch
        {
            { Key: not null } => IpcSharedMemoryKind.SysV,
            { Path: not null } => IpcSharedMemoryKind.File,
            { Name: not null } => IpcSharedMemoryKind.Posix,
            _ => IpcSharedMemoryKind.Anonymous,
        });
        if (named is not null && namedKind != kind)
            throw IpcException.Argument($"'{named}' is not the address of {kind} shared memory.", Name);
        if (Key is not null && kind != IpcSharedMemoryKind.SysV)
            throw IpcException.Argument($"-Key goes with -Kind SysV, not with {kind}.", Name);
        if (Path is not null && kind != IpcSharedMemoryKind.File)
            throw IpcException.Argument($"-Path goes with -Kind File, not with {kind}.", Name);
        if (Path is not null && Name is not null) throw IpcException.Argument("A mapped file has a path and no name: omit -Name.", Name);
        if (Sparse && kind == IpcSharedMemoryKind.SysV)
            throw IpcException.Argument("A System V segment is always allocated when it is used first: omit -Sparse.", Name);
        return (kind, named ?? AddressOf(kind));
    }

    private IpcAddress? AddressOf(IpcSharedMemoryKind kind)
    {
        switch (kind)
        {
            case IpcSharedMemoryKind.Posix:
                return Name is null
                    ? throw IpcException.Argument("POSIX shared memory needs a name. Use -Kind Anonymous for memory without one.")
                    : IpcAddress.Parse("shm:" + Name);
            case IpcSharedMemoryKind.File:
                var path = Path ?? Name ?? throw IpcException.Argument("A mapped file needs a -Path.");
                return IpcAddress.Parse("file:" + GetUnresolvedProviderPathFromPSPath(path));
            case IpcSharedMemoryKind.SysV:
                if (Name is not null) throw HasKey("segment", Name);
                return Key is null ? null : IpcAddress.Parse("sysvshm:" + Key);
            default:
                return Name is null
                    ? null
                    : throw IpcException.Argument($"Anonymous memory has no name: omit '{Name}', or -Kind Anonymous.", Name);
        }
    }
}
