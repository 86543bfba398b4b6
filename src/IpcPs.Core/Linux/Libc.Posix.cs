using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>mq_overview(7), sem_overview(7): POSIX message queues, whose descriptors are file descriptors on Linux, and semaphores in
/// mapped memory.</summary>
internal static unsafe partial class Libc
{
    // glibc had these functions in librt until 2.34; since then a librt without them leads to libc, as musl's does always.
    private const string RealTime = "librt.so.1";

    /// <summary><c>struct mq_attr</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct MqAttributes
    {
        public nint Flags;
        public nint MaxMessages;
        public nint MaxMessageSize;
        public nint CurrentMessages;
    }

    // mq_open(3) is variadic; on the supported ABIs, mode and attributes are passed as if declared.
    [LibraryImport(RealTime, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mq_open(string name, int flags, uint mode, MqAttributes* attributes);

    [LibraryImport(RealTime, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mq_unlink(string name);

    [LibraryImport(RealTime, SetLastError = true)]
    public static partial int mq_getattr(SafeDescriptor queue, MqAttributes* attributes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int mq_send(SafeDescriptor queue, byte* message, nuint length, uint priority)
    {
        var done = (int)KeepErrno(PlainMqSend(queue.Hold(), message, length, priority));
        queue.DangerousRelease();
        return done;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static nint mq_receive(SafeDescriptor queue, byte* message, nuint size, uint* priority)
    {
        var length = KeepErrno(PlainMqReceive(queue.Hold(), message, size, priority));
        queue.DangerousRelease();
        return length;
    }

    [LibraryImport(RealTime, EntryPoint = "mq_send")]
    private static partial int PlainMqSend(int queue, byte* message, nuint length, uint priority);

    [LibraryImport(RealTime, EntryPoint = "mq_receive")]
    private static partial nint PlainMqReceive(int queue, byte* message, nuint size, uint* priority);

    // sem_overview(7)

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
