using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Owner, group and mode of what a descriptor is open on: fstat (statx(2)), fchmod(2), fchown(2).</summary>
internal static unsafe class DescriptorPermissions
{
    /// <summary>What the kernel knows of the file.</summary>
    public static Libc.Statx Stat(SafeDescriptor descriptor, string target)
    {
        Libc.Statx stat;
        return Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &stat) == 0 ? stat
            : throw IpcException.FromErrno("statx", Marshal.GetLastPInvokeError(), target);
    }

    /// <summary>The permissions in a statx(2) mode.</summary>
    public static UnixFileMode ModeOf(in Libc.Statx stat) => (UnixFileMode)(stat.Mode & 0x1FF);

    public static void SetMode(SafeDescriptor descriptor, UnixFileMode mode, string target)
    {
        if (Libc.fchmod(descriptor, (uint)mode) != 0) throw IpcException.FromErrno("fchmod", Marshal.GetLastPInvokeError(), target, "Only the owner and root may change the mode.");
    }

    public static void SetOwner(SafeDescriptor descriptor, string user, string target)
    {
        if (Libc.fchown(descriptor, Accounts.UserId(user), Libc.Unchanged) != 0) throw IpcException.FromErrno("fchown", Marshal.GetLastPInvokeError(), target, OwnerHint);
    }

    public static void SetGroup(SafeDescriptor descriptor, string group, string target)
    {
        if (Libc.fchown(descriptor, Libc.Unchanged, Accounts.GroupId(group)) != 0) throw IpcException.FromErrno("fchown", Marshal.GetLastPInvokeError(), target, GroupHint);
    }

    /// <summary>What to say where an owner may not be set.</summary>
    public const string OwnerHint = "Only root may give an object away.";

    /// <summary>What to say where a group may not be set.</summary>
    public const string GroupHint = "The owner may set a group that the owner is in; root any.";
}

/// <summary>Mode, owner and group of an open file.</summary>
internal sealed class FilePermissions(SafeDescriptor file, string target) : IIpcPermissions
{
    public UnixFileMode Mode
    {
        get => DescriptorPermissions.ModeOf(DescriptorPermissions.Stat(file, target));
        set => DescriptorPermissions.SetMode(file, value, target);
    }

    public string Owner
    {
        get => Accounts.UserName(DescriptorPermissions.Stat(file, target).UserId);
        set => DescriptorPermissions.SetOwner(file, value, target);
    }

    public string Group
    {
        get => Accounts.GroupName(DescriptorPermissions.Stat(file, target).GroupId);
        set => DescriptorPermissions.SetGroup(file, value, target);
    }
}
