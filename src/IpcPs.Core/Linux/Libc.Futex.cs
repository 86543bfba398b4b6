using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>futex(2), which libc has no function for.</summary>
internal static unsafe partial class Libc
{
    public const int FUTEX_WAIT_BITSET = 9;
    public const int FUTEX_WAKE_BITSET = 10;
    public const int FUTEX_PRIVATE_FLAG = 128;
    public const uint FUTEX_BITSET_MATCH_ANY = 0xffffffff;

    private static readonly nint FutexNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => -1, // ENOSYS
    };

    /// <summary>futex(2) in the forms that wait and wake; the time-out is absolute on CLOCK_MONOTONIC.</summary>
    /// <returns>What the call gives; -1 with the errno set.</returns>
    public static long futex(void* word, int operation, uint value, Timespec* timeout, uint bits) =>
        syscall(FutexNumber, word, operation, value, timeout, null, bits);

    // syscall(2) is variadic; on the ABIs that we run on, integers and pointers are passed as if declared.
    [LibraryImport(Name, SetLastError = true)]
    private static partial nint syscall(nint number, void* word, nint operation, nuint value, Timespec* timeout, void* second, nuint bits);
}
