using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <summary>mq_open(3), and what its errors mean: which limit was hit, what its value is, and what raises it.</summary>
internal static unsafe class PosixQueueOpening
{
    // What getrlimit(2) says that the kernel counts for each message besides its bytes: struct msg_msg, and struct posix_msg_tree_node a priority.
    internal const int CountedPerMessage = 48 + 48;

    // HARD_MSGMAX and HARD_MSGSIZEMAX: beyond these not even root gets.
    private const long HardMaxMessages = 65536;
    private const long HardMaxMessageSize = 16 * 1024 * 1024;

    private const int Flags = Libc.O_NONBLOCK | Libc.O_CLOEXEC;

    public static SafeDescriptor Create(IpcAddress address, long? maxMessages, long? maxMessageSize, UnixFileMode mode)
    {
        ArgumentNullException.ThrowIfNull(address);
        var attributes = new Libc.MqAttributes
        {
            MaxMessages = (nint)Checked(maxMessages ?? Default("msg", 10), "A queue holds at least one message", address),
            MaxMessageSize = (nint)Checked(maxMessageSize ?? Default("msgsize", 8192), "A message has room for at least one byte", address),
        };
        // Until its mode is what was asked for it is nobody else's.
        var fd = Libc.mq_open("/" + address.Name, Flags | Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, 0x180 /* 0600 */, &attributes);
        if (fd < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), address, attributes);
        var queue = new SafeDescriptor(fd);
        try
        {
            FilePermissions.SetMode(queue, mode, address.Text);
            return queue;
        }
        catch
        {
            queue.Dispose();
            _ = Libc.mq_unlink("/" + address.Name);
            throw;
        }
    }

    public static SafeDescriptor Open(IpcAddress address, ref IpcAccess access)
    {
        ArgumentNullException.ThrowIfNull(address);
        var wanted = access == IpcAccess.Default ? (ReadOnlySpan<IpcAccess>)[IpcAccess.ReadWrite, IpcAccess.Read, IpcAccess.Write] : [access];
        var errno = 0;
        foreach (var one in wanted)
        {
            access = one;
            var flags = one switch { IpcAccess.Read => Libc.O_RDONLY, IpcAccess.Write => Libc.O_WRONLY, _ => Libc.O_RDWR };
            var fd = Libc.mq_open("/" + address.Name, Flags | flags, 0, null);
            if (fd >= 0) return new SafeDescriptor(fd);
            errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EACCES) break;
        }
        throw errno == Errno.EMFILE ? NoDescriptorLeft(address, null) : IpcException.FromErrno("mq_open", errno, address.Text);
    }

    /// <summary>A queue's descriptor that does not block, of a descriptor that may be shared with a process that wants it to: opened anew, where this
    /// user may.</summary>
    public static SafeDescriptor WithoutBlocking(SafeDescriptor descriptor, IpcAccess access)
    {
        var flags = access switch { IpcAccess.Read => Libc.O_RDONLY, IpcAccess.Write => Libc.O_WRONLY, _ => Libc.O_RDWR };
        var fd = Libc.open(ProcFile.Descriptor(descriptor.Number), Flags | flags, 0);
        if (fd >= 0)
        {
            descriptor.Dispose();
            return new SafeDescriptor(fd);
        }
        _ = Libc.fcntl(descriptor, Libc.F_SETFL, Libc.O_NONBLOCK);
        return descriptor;
    }

    public static bool Exists(IpcAddress address)
    {
        var fd = Libc.mq_open("/" + address.Name, Flags | Libc.O_RDONLY, 0, null);
        if (fd < 0) return Marshal.GetLastPInvokeError() != Errno.ENOENT;
        _ = Libc.close(fd);
        return true;
    }

    private static long Checked(long value, string least, IpcAddress address) =>
        value >= 1 ? value : throw IpcException.Argument($"{least}, and {value} was asked for.", address.Text);

    // What the kernel gives where no attributes are given.
    private static long Default(string what, long fallback) =>
        Math.Min(Sysctl.Read($"fs.mqueue.{what}_default") ?? fallback, Sysctl.Read($"fs.mqueue.{what}_max") ?? fallback);

    private static IpcException CreateFailed(int errno, IpcAddress address, in Libc.MqAttributes asked)
    {
        return errno switch
        {
            Errno.EINVAL when Sysctl.Read("fs.mqueue.msg_max") is { } most && asked.MaxMessages > most =>
                Limit(errno, address, $"{asked.MaxMessages} messages are more than a queue may hold: fs.mqueue.msg_max is {most}.",
                    $"Ask for at most {most}, or raise it as root, to at most {HardMaxMessages}: sysctl fs.mqueue.msg_max={Math.Min(asked.MaxMessages, HardMaxMessages)}."),
            Errno.EINVAL when Sysctl.Read("fs.mqueue.msgsize_max") is { } most && asked.MaxMessageSize > most =>
                Limit(errno, address, $"Messages of {asked.MaxMessageSize} bytes are larger than a queue may have: fs.mqueue.msgsize_max is {most}.",
                    $"Ask for at most {most}, or raise it as root, to at most {HardMaxMessageSize}: sysctl fs.mqueue.msgsize_max={Math.Min(asked.MaxMessageSize, HardMaxMessageSize)}. Larger Objects travel through shared memory by themselves."),
            Errno.EINVAL or Errno.EOVERFLOW =>
                Limit(errno, address, $"The kernel makes no queue of {asked.MaxMessages} messages of {asked.MaxMessageSize} bytes.",
                    $"fs.mqueue.msg_max is {Sysctl.Describe("fs.mqueue.msg_max")}, fs.mqueue.msgsize_max {Sysctl.Describe("fs.mqueue.msgsize_max")}; nobody gets more than {HardMaxMessages} messages or {HardMaxMessageSize} bytes."),
            Errno.ENOSPC =>
                Limit(errno, address, $"As many queues exist as fs.mqueue.queues_max allows: {Sysctl.Describe("fs.mqueue.queues_max")}.",
                    "Remove some, or raise it as root: sysctl fs.mqueue.queues_max=….", IpcAdvice.RemoveUnused),
            Errno.EMFILE => NoDescriptorLeft(address, asked),
            _ => IpcException.FromErrno("mq_open", errno, address.Text),
        };
    }

    /// <summary>EMFILE is two limits: the descriptors of the process and, for a new queue, the bytes of all the user's queues.</summary>
    private static IpcException NoDescriptorLeft(IpcAddress address, Libc.MqAttributes? asked)
    {
        var another = asked is null ? -1 : Libc.eventfd(0, Libc.EFD_CLOEXEC);
        if (another < 0) return IpcException.FromErrno("mq_open", Errno.EMFILE, address.Text);
        _ = Libc.close(another);
        var (messages, size) = ((Int128)asked!.Value.MaxMessages, (Int128)asked.Value.MaxMessageSize);
        var limit = Sysctl.ReadProcessLimit("Max msgqueue size") is { } bytes ? $"{bytes}" : "not readable";
        return Limit(Errno.EMFILE, address,
            $"A queue of {messages} messages of {size} bytes counts {messages * (size + CountedPerMessage)} bytes, which is more than this user's queues have left of RLIMIT_MSGQUEUE: {limit} bytes for all of them together.",
            "Ask for fewer or smaller messages, remove queues that nobody needs, or raise it: 'ulimit -q' in the shell that starts this process, or 'msgqueue' in /etc/security/limits.conf.");
    }

    private static IpcException Limit(int errno, IpcAddress address, string message, string hint, IpcAdvice advice = IpcAdvice.None) =>
        new(IpcErrors.LimitReached, message, address.Text, hint) { Errno = errno, Call = "mq_open", Advice = advice };
}
