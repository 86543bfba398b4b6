using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>clock_gettime(2).</summary>
internal static unsafe partial class Libc
{
    private const int CLOCK_PROCESS_CPUTIME_ID = 2;

    /// <summary>The processor time that this process has used.</summary>
    public static long ProcessorNanoseconds()
    {
        Timespec time;
        return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 ? (time.Seconds * 1_000_000_000) + time.Nanoseconds : 0;
    }

    [LibraryImport(Name)]
    private static partial int clock_gettime(int clock, Timespec* time);
}
