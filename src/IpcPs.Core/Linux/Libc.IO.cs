using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>The C library, one file for each family of man pages. The names are those of the man pages.</summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    // open(2), fcntl(2): the values of Linux on x64 and arm64, which differ only in O_DIRECTORY and O_NOFOLLOW.
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_ACCMODE = 3;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public static readonly int O_NOFOLLOW = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    public static readonly int O_DIRECTORY = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    public const int O_PATH = 0x200000;
    public static readonly int O_TMPFILE = 0x400000 | O_DIRECTORY;

    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int F_SETPIPE_SZ = 1031;
    public const int F_GETPIPE_SZ = 1032;
    public const int FD_CLOEXEC = 1;

    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;

    public const nuint FIONREAD = 0x541B;

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int close(int fd);

    // The calls for each message (here and in Libc.Posix and Libc.SysV) are without SetLastError, which clears errno before the call and
    // reads
    // it after a success too. They have no finally either: nothing between can throw, and in a try block the call would go through a stub.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static nint read(SafeDescriptor fd, byte* buffer, nuint count)
    {
        var read = KeepErrno(PlainRead(fd.Hold(), buffer, count));
        fd.DangerousRelease();
        return read;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static nint write(SafeDescriptor fd, byte* buffer, nuint count)
    {
        var written = KeepErrno(PlainWrite(fd.Hold(), buffer, count));
        fd.DangerousRelease();
        return written;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint write(int fd, byte* buffer, nuint count);

    // fcntl(2) and ioctl(2) are variadic; on the supported ABIs, one integer argument is passed as if declared.
    [LibraryImport(Name, SetLastError = true)]
    public static partial int fcntl(SafeDescriptor fd, int command, nint argument);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int dup2(SafeDescriptor from, int to);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ioctl(SafeDescriptor fd, nuint request, int* argument);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint readlink(string path, byte* target, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int pipe2(int* descriptors, int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkfifo(string path, uint mode);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chmod(string path, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchmod(SafeDescriptor fd, uint mode);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, uint mode);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string oldPath, string newPath);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int linkat(int oldDirectory, string oldPath, int newDirectory, string newPath, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint pread(SafeDescriptor fd, void* buffer, nuint count, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint pwrite(SafeDescriptor fd, void* buffer, nuint count, long offset);

    // splice(2)

    public const uint SPLICE_F_MOVE = 1;
    public const uint SPLICE_F_NONBLOCK = 2;

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint splice(SafeDescriptor from, long* fromOffset, SafeDescriptor to, long* toOffset, nuint count, uint flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int flock(SafeDescriptor fd, int operation);

    [LibraryImport(Name, EntryPoint = "read")]
    private static partial nint PlainRead(int fd, byte* buffer, nuint count);

    [LibraryImport(Name, EntryPoint = "write")]
    private static partial nint PlainWrite(int fd, byte* buffer, nuint count);

    private static nint KeepErrno(nint result)
    {
        if (result < 0) Marshal.SetLastPInvokeError(Marshal.GetLastSystemError());
        return result;
    }
}
