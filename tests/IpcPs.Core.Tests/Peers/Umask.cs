using System.Runtime.InteropServices;

namespace IpcPs.Tests.Peers;

/// <summary>umask(2), which is one for the whole process.</summary>
internal static partial class Umask
{
    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial uint Set(uint mask);
}
