using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Set-IpcObject</c>: changes the permissions or the size of an object that exists.</summary>
[Cmdlet(VerbsCommon.Set, "IpcObject", SupportsShouldProcess = true)]
public sealed class SetIpcObjectCommand : IpcCmdlet
{
    /// <summary>The object or its address.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget[] InputObject { get; set; } = null!;

    /// <summary>Permissions: 600, '0660', 'u=rw,g=r'.</summary>
    [Parameter]
    [ModeTransformation]
    [ArgumentCompleter(typeof(ModeCompleter))]
    public IpcMode? Mode { get; set; }

    /// <summary>The new owner, by name or number.</summary>
    [Parameter]
    public string? Owner { get; set; }

    /// <summary>The new group, by name or number.</summary>
    [Parameter]
    public string? Group { get; set; }

    /// <summary>Pipes: how many bytes it holds before a sender waits.</summary>
    [Parameter]
    public long? Capacity { get; set; }

    /// <summary>System V queues: how many bytes it holds before a sender waits.</summary>
    [Parameter]
    public long? MaxBytes { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var target in InputObject) Try(() => Change(target));
    }

    private void Change(IpcTarget target)
    {
        var changes = Describe();
        var address = target.Address.Text;
        if (changes.Length == 0)
            throw IpcException.Argument("There is nothing to change: use -Mode, -Owner, -Group, -Capacity or -MaxBytes.", address);
        if (!ShouldProcess(address, "Set " + changes)) return;
        using var lease = target.Lease<IpcObject>(IpcAccess.Default, StopToken);
        // Before anything is changed: an object that cannot take all the changes takes none.
        var permissions = (Mode, Owner, Group) is (null, null, null) ? null : Need<IIpcPermissions>(lease.Object, "owner, group or mode");
        var capacity = Capacity is null ? null : Need<IIpcCapacity>(lease.Object, "capacity that can be changed");
        var maxBytes = MaxBytes is null ? null : Need<IIpcMaxBytes>(lease.Object, "maximum in bytes that can be changed");
        if (MaxBytes is { } bytes) maxBytes!.MaxBytes = bytes;
        if (Capacity is { } size) capacity!.Capacity = size;
        if (Mode is { } mode) permissions!.Mode = mode.Value;
        if (Group is { } group) permissions!.Group = group;
        // Last: a user who has given the object away cannot change it any more.
        if (Owner is { } owner) permissions!.Owner = owner;
    }

    private static T Need<T>(IpcObject target, string what)
        where T : class =>
        target as T
            ?? throw new IpcException(IpcErrors.NotSupported, $"'{target.Address}' ({target.Kind}) has no {what}.", target.Address.Text);

    private string Describe()
    {
        var changes = new List<string>();
        if (Mode is { } mode) changes.Add($"mode {mode}");
        if (Owner is not null) changes.Add("owner " + Owner);
        if (Group is not null) changes.Add("group " + Group);
        if (Capacity is { } capacity) changes.Add(string.Create(CultureInfo.InvariantCulture, $"capacity {capacity}"));
        if (MaxBytes is { } bytes) changes.Add(string.Create(CultureInfo.InvariantCulture, $"maximum {bytes} bytes"));
        return string.Join(", ", changes);
    }
}
