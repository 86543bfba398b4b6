using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>epoll(7).</summary>
internal static unsafe partial class Libc
{
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 1;

    /// <summary>Bytes of <c>struct epoll_event</c>, which is packed on x64 and nowhere else.</summary>
    public static readonly int EpollEventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where in it the data begins.</summary>
    public static readonly int EpollDataOffset = EpollEventSize - 8;

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_ctl(SafeDescriptor epoll, int operation, SafeDescriptor descriptor, byte* epollEvent);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_wait(SafeDescriptor epoll, byte* events, int count, int milliseconds);
}
