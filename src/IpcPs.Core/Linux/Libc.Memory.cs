using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>shm_open(3), mmap(2), ftruncate(2), fallocate(2), memfd_create(2).</summary>
internal static unsafe partial class Libc
{
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int PROT_EXEC = 4;

    public const int MAP_SHARED = 0x01;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_FIXED = 0x10;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_POPULATE = 0x8000;

    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;

    public const int F_ADD_SEALS = 1033;
    public const int F_SEAL_SHRINK = 2;

    public static readonly void* MAP_FAILED = (void*)-1;

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int shm_open(string name, int flags, uint mode);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int shm_unlink(string name);

    [LibraryImport(Name, SetLastError = true)]
    public static partial void* mmap(void* address, nuint length, int protection, int flags, SafeDescriptor fd, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int munmap(void* address, nuint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mprotect(void* address, nuint length, int protection);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ftruncate(SafeDescriptor fd, long length);

    // The system call and not posix_fallocate(3): that one writes a byte into every block where the file system can't allocate, for hours.
    [LibraryImport(Name, SetLastError = true)]
    public static partial int fallocate(SafeDescriptor fd, int mode, long offset, long length);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int memfd_create(string name, uint flags);

    public const int RLIMIT_FSIZE = 1;

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Current;
        public ulong Maximum;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getrlimit(int resource, ResourceLimit* limit);
}
