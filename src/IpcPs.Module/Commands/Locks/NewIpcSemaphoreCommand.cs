using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Locks;

/// <summary><c>New-IpcSemaphore</c>: a counting semaphore, POSIX, or a System V set of them.</summary>
[Cmdlet(VerbsCommon.New, "IpcSemaphore", SupportsShouldProcess = true)]
[OutputType(typeof(PosixSemaphore), typeof(SysVSemaphoreSet))]
public sealed class NewIpcSemaphoreCommand : IpcCmdlet
{
    /// <summary>The name of a POSIX semaphore.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>How many can be taken before one waits; 1 by default.</summary>
    [Parameter]
    public int InitialCount { get; set; } = 1;

    /// <summary>Which kind: Posix, unless a key or a count is given.</summary>
    [Parameter]
    public IpcSemaphoreKind? Kind { get; set; }

    /// <summary>The key of a System V set: 0x2a, 42 or /path#id; without one the set is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>System V: how many semaphores the set has.</summary>
    [Parameter]
    public int? Count { get; set; }

    /// <summary>Who may use it: 600 (default), '0660', 'u=rw,g=rw'.</summary>
    [Parameter]
    [ModeTransformation]
    public UnixFileMode Mode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var (kind, address) = Place();
        if (!ShouldProcess(address?.Text ?? "sysvsem:(private)", "Create semaphore")) return;
        WriteObject(kind == IpcSemaphoreKind.SysV ? SysVSemaphoreSet.Create(address, Count ?? 1, InitialCount, Mode) : PosixSemaphore.Create(address!, InitialCount, Mode));
    });

    private (IpcSemaphoreKind Kind, IpcAddress? Address) Place()
    {
        // A full address says its kind itself; a name may have a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) && full!.Scheme is IpcScheme.Sem or IpcScheme.SysVSem ? full : null;
        var kind = Kind ?? (Key is not null || Count is not null || named?.Scheme == IpcScheme.SysVSem ? IpcSemaphoreKind.SysV : IpcSemaphoreKind.Posix);
        if (kind == IpcSemaphoreKind.Posix)
        {
            if (Key is not null || Count is not null) throw IpcException.Argument("A POSIX semaphore is one, with a name: -Key and -Count go with -Kind SysV.", Name);
            if (named is { Scheme: IpcScheme.SysVSem }) throw IpcException.Argument($"'{named}' is not the address of a POSIX semaphore.", Name);
            return (kind, named ?? IpcAddress.OfName(IpcScheme.Sem, Name ?? throw IpcException.Argument("A POSIX semaphore needs a name. Without one use -Kind SysV, whose sets can be private.")));
        }
        if (named is { Scheme: IpcScheme.SysVSem } && Key is null) return (kind, named);
        if (Name is not null)
            throw IpcException.Argument($"A System V set has a key and no name: instead of '{Name}' give -Key 0x2a, -Key 42 or -Key /path#id, or none for a private one.", Name);
        return (kind, Key is null ? null : IpcAddress.Parse("sysvsem:" + Key));
    }
}
