using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Locks on bytes of a file that belong to the open file description (fcntl(2), F_OFD_SETLK): the kernel gives them up when its last descriptor and its last mapping
/// are gone, however their process ended.</summary>
internal static unsafe partial class Libc
{
    public const int F_OFD_GETLK = 36;
    public const int F_OFD_SETLK = 37;
    public const int F_OFD_SETLKW = 38;
    public const short F_RDLCK = 0;
    public const short F_WRLCK = 1;
    public const short F_UNLCK = 2;

    /// <summary><c>struct flock</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }
}
