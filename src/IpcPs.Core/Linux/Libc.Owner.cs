using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>chown(2).</summary>
internal static partial class Libc
{
    /// <summary>To chown(2): leave the user, or the group, as it is.</summary>
    public const uint Unchanged = uint.MaxValue;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchown(SafeDescriptor fd, uint userId, uint groupId);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int lchown(string path, uint userId, uint groupId);
}
