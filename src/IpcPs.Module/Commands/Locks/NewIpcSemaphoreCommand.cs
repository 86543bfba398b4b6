using System.Management.Automation;
using IpcPs.Locks;

namespace IpcPs.Module.Commands.Locks;

/// <summary>The kinds of semaphore that <c>New-IpcSemaphore</c> creates.</summary>
public enum IpcSemaphoreKind
{
    /// <summary>A POSIX semaphore: it has a name and no holder; sem_overview(7).</summary>
    Posix,
    /// <summary>A System V set: it has a key and several semaphores, and the kernel releases those of a dead process; semget(2).</summary>
    SysV,
}

/// <summary><c>New-IpcSemaphore</c>: creates a POSIX counting semaphore, or a System V set of them.</summary>
[Cmdlet(VerbsCommon.New, "IpcSemaphore", SupportsShouldProcess = true)]
[OutputType(typeof(PosixSemaphore), typeof(SysVSemaphoreSet))]
public sealed class NewIpcSemaphoreCommand : NewObjectCommand
{
    /// <summary>The name of a POSIX semaphore.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>How many processes can acquire it before one waits; 1 by default.</summary>
    [Parameter]
    public int InitialCount { get; set; } = 1;

    /// <summary>The kind; Posix, unless a key or a count is given.</summary>
    [Parameter]
    public IpcSemaphoreKind? Kind { get; set; }

    /// <summary>The key of a System V set: 0x2a, 42 or /path#id. Without a key the set is private.</summary>
    [Parameter]
    public string? Key { get; set; }

    /// <summary>System V: how many semaphores the set has.</summary>
    [Parameter]
    public int? Count { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var (kind, address) = Place();
        if (!ShouldProcess(address?.Text ?? "sysvsem:(private)", "Create semaphore")) return;
        WriteObject(kind == IpcSemaphoreKind.SysV
            ? CreateOrOpen(address, () => SysVSemaphoreSet.Create(address, Count ?? 1, InitialCount, Mode.Value),
                set => [ExistingObject.Difference("count of semaphores", set.Count, Count ?? 1)])
            : CreateOrOpen(address, () => PosixSemaphore.Create(address!, InitialCount, Mode.Value), static _ => []));
    });

    private (IpcSemaphoreKind Kind, IpcAddress? Address) Place()
    {
        // A full address has the kind in it. Any other text is a name, even with a colon in it.
        var named = IpcAddress.TryParse(Name, out var full) && full!.Scheme is IpcScheme.Sem or IpcScheme.SysVSem ? full : null;
        var isSysV = Key is not null || Count is not null || named?.Scheme == IpcScheme.SysVSem;
        var kind = Kind ?? (isSysV ? IpcSemaphoreKind.SysV : IpcSemaphoreKind.Posix);
        if (kind == IpcSemaphoreKind.Posix)
        {
            if (Key is not null || Count is not null)
                throw IpcException.Argument("A POSIX semaphore is one, with a name: -Key and -Count go with -Kind SysV.", Name);
            if (named is { Scheme: IpcScheme.SysVSem })
                throw IpcException.Argument($"'{named}' is not the address of a POSIX semaphore.", Name);
            if (Name is null) throw IpcException.Argument("A POSIX semaphore needs a name. Use -Kind SysV for a private set without one.");
            return (kind, named ?? IpcAddress.Parse("sem:" + Name));
        }
        if (named is { Scheme: IpcScheme.SysVSem } && Key is null) return (kind, named);
        if (Name is not null) throw HasKey("set", Name);
        return (kind, Key is null ? null : IpcAddress.Parse("sysvsem:" + Key));
    }
}
