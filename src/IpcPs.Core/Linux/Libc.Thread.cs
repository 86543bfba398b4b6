using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>tgkill(2), signal(2), siginterrupt(3): how a thread that is blocked in a call without a time-out is called back.</summary>
internal static partial class Libc
{
    public const int SIGURG = 23;

    [LibraryImport(Name)]
    public static partial int gettid();

    [LibraryImport(Name)]
    public static partial int getpid();

    [LibraryImport(Name, SetLastError = true)]
    public static partial int tgkill(int processId, int threadId, int signal);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint signal(int signal, nint handler);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int siginterrupt(int signal, int interrupt);
}
