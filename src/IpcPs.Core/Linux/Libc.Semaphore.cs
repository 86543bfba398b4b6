using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>sem_post(3), sem_wait(3), sem_getvalue(3) on a <c>sem_t</c> that lies in memory which we mapped ourselves.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Name, SetLastError = true)]
    public static partial int sem_init(void* semaphore, int shared, uint value);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sem_wait(void* semaphore);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sem_trywait(void* semaphore);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sem_post(void* semaphore);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sem_getvalue(void* semaphore, int* value);
}
