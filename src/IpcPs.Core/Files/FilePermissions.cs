using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>Mode, owner and group of an open file: statx(2), fchmod(2), fchown(2). Its static methods set them, also by path: chmod(2),
/// lchown(2).</summary>
internal sealed class FilePermissions(SafeDescriptor file, string target) : IIpcPermissions
{
    private const string ModeHint = "Only the owner and root may change the mode.";
    private const string OwnerHint = "Only root may change the owner.";
    private const string GroupHint = "The owner may choose a group that the owner is in. Root may choose any group.";

    public UnixFileMode Mode
    {
        get => FileStatus.Of(file, target).Mode;
        set => SetMode(file, value, target);
    }

    public string Owner
    {
        get => FileStatus.Of(file, target).Owner;
        set => SetOwner(file, value, target);
    }

    public string Group
    {
        get => FileStatus.Of(file, target).Group;
        set => SetGroup(file, value, target);
    }

    public static void SetMode(SafeDescriptor descriptor, UnixFileMode mode, string target) =>
        Check("fchmod", Libc.fchmod(descriptor, (uint)mode), target, ModeHint);

    public static void SetMode(string path, UnixFileMode mode, string target) =>
        Check("chmod", Libc.chmod(path, (uint)mode), target, ModeHint);

    public static void SetOwner(SafeDescriptor descriptor, string user, string target) =>
        Check("fchown", Libc.fchown(descriptor, Accounts.UserId(user), Libc.Unchanged), target, OwnerHint);

    public static void SetOwner(string path, string user, string target) =>
        Check("lchown", Libc.lchown(path, Accounts.UserId(user), Libc.Unchanged), target, OwnerHint);

    public static void SetGroup(SafeDescriptor descriptor, string group, string target) =>
        Check("fchown", Libc.fchown(descriptor, Libc.Unchanged, Accounts.GroupId(group)), target, GroupHint);

    public static void SetGroup(string path, string group, string target) =>
        Check("lchown", Libc.lchown(path, Libc.Unchanged, Accounts.GroupId(group)), target, GroupHint);

    private static void Check(string call, int result, string target, string hint)
    {
        if (result != 0) throw IpcException.FromErrno(call, Marshal.GetLastPInvokeError(), target, hint);
    }
}
