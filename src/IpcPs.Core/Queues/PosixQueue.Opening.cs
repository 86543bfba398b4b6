using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <content>Creating, opening and removing: mq_open(3), mq_unlink(3), and which limit their errors mean.</content>
public sealed unsafe partial class PosixQueue
{
    /// <summary>What RLIMIT_MSGQUEUE counts for each message besides its bytes (getrlimit(2)): a struct msg_msg and a struct
    /// posix_msg_tree_node.</summary>
    internal const int CountedPerMessage = 48 + 48;

    // HARD_MSGMAX and HARD_MSGSIZEMAX of the kernel, which hold for root too.
    private const long HardMaxMessages = 65536;
    private const long HardMaxMessageSize = 16 * 1024 * 1024;

    private const int OpenFlags = Libc.O_NONBLOCK | Libc.O_CLOEXEC;

    /// <summary>Creates a queue. The umask does not change its mode.</summary>
    /// <param name="address">Its address, <c>mq:/NAME</c>.</param>
    /// <param name="maxMessages">How many messages it holds; null for fs.mqueue.msg_default (10).</param>
    /// <param name="maxMessageSize">The largest message, in bytes; null for fs.mqueue.msgsize_default (8192).</param>
    /// <param name="mode">Which users may receive (read) and send (write).</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (names the limit),
    /// <see cref="IpcErrors.InvalidArgument"/>, <see cref="IpcErrors.PlatformNotSupported"/> (a kernel without queues).</exception>
    public static PosixQueue Create(IpcAddress address, long? maxMessages = null, long? maxMessageSize = null,
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        new(address, CreateDescriptor(address, maxMessages, maxMessageSize, mode), IpcAccess.ReadWrite);

    /// <summary>Opens a queue that exists.</summary>
    /// <param name="address">Its address, <c>mq:/NAME</c>.</param>
    /// <param name="access">What it is opened for; Default for everything that its mode allows this user.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static PosixQueue OpenExisting(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var candidates = access == IpcAccess.Default
            ? (ReadOnlySpan<IpcAccess>)[IpcAccess.ReadWrite, IpcAccess.Read, IpcAccess.Write] : [access];
        var errno = 0;
        foreach (var candidate in candidates)
        {
            var fd = Libc.mq_open("/" + address.Name, OpenFlags | AccessFlag(candidate), 0, null);
            if (fd >= 0) return new PosixQueue(address, new SafeDescriptor(fd), candidate);
            errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EACCES) break;
        }
        throw errno == Errno.EMFILE ? NoDescriptorLeft(address, null) : IpcException.FromErrno("mq_open", errno, address.Text);
    }

    /// <summary>Removes a queue, with its messages in shared memory. Waits on it end with <see cref="IpcErrors.Removed"/>, and its name is
    /// free at once.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var large = LargeMessage.NamesOf(address);
        if (Libc.mq_unlink("/" + address.Name) != 0)
            throw IpcException.FromErrno("mq_unlink", Marshal.GetLastPInvokeError(), address.Text);
        LargeMessage.Remove(large);
        RemovalWatch.CheckAll();
    }

    /// <summary>Whether a queue exists at an address.</summary>
    internal static bool Exists(IpcAddress address)
    {
        var fd = Libc.mq_open("/" + address.Name, OpenFlags | Libc.O_RDONLY, 0, null);
        if (fd < 0) return Marshal.GetLastPInvokeError() != Errno.ENOENT;
        _ = Libc.close(fd);
        return true;
    }

    /// <summary>Creates a queue and removes its name. It exists until the last process that has it open closes it or exits.</summary>
    /// <param name="address">Its name until then, and in errors.</param>
    /// <param name="maxMessages">As for <see cref="Create"/>.</param>
    /// <param name="maxMessageSize">As for <see cref="Create"/>.</param>
    internal static PosixQueue CreateUnnamed(IpcAddress address, long? maxMessages = null, long? maxMessageSize = null)
    {
        var queue = CreateDescriptor(address, maxMessages, maxMessageSize, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _ = Libc.mq_unlink("/" + address.Name);
        return new PosixQueue(address, queue, IpcAccess.ReadWrite, isUnnamed: true);
    }

    /// <summary>A queue that <see cref="CreateUnnamed"/> created, by another descriptor of it.</summary>
    internal static PosixQueue OfUnnamed(IpcAddress address, SafeDescriptor queue, IpcAccess access) =>
        new(address, queue, access, isUnnamed: true);

    /// <summary>Makes a queue of a descriptor that was inherited or received; null where the descriptor is not a queue's.</summary>
    internal static PosixQueue? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        Libc.MqAttributes attributes;
        if (info.FileType != Libc.S_IFREG || Libc.mq_getattr(descriptor, &attributes) != 0) return null;
        const string Deleted = " (deleted)";
        var link = info.Link.EndsWith(Deleted, StringComparison.Ordinal) ? info.Link[..^Deleted.Length] : info.Link;
        var address = IpcAddress.TryParse("mq:" + link, out var named) ? named!
            : known ?? IpcAddress.OfDescriptor(IpcScheme.Fd, 0, descriptor.Number);
        return new PosixQueue(address, ReopenNonBlocking(descriptor, info.Access), access == IpcAccess.Default ? info.Access : access);
    }

    private static int AccessFlag(IpcAccess access) => access switch
    {
        IpcAccess.Read => Libc.O_RDONLY,
        IpcAccess.Write => Libc.O_WRONLY,
        _ => Libc.O_RDWR,
    };

    private static SafeDescriptor CreateDescriptor(IpcAddress address, long? maxMessages, long? maxMessageSize, UnixFileMode mode)
    {
        ArgumentNullException.ThrowIfNull(address);
        var attributes = new Libc.MqAttributes
        {
            MaxMessages = (nint)AtLeastOne(maxMessages ?? Default("msg", 10), "number of messages", address),
            MaxMessageSize = (nint)AtLeastOne(maxMessageSize ?? Default("msgsize", 8192), "message size in bytes", address),
        };
        // Only this user may open it until it has the mode that the caller wants.
        var fd = Libc.mq_open("/" + address.Name, OpenFlags | Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, 0x180 /* 0600 */, &attributes);
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

    // The other process that has the descriptor may want it to block. So this user opens the queue again where the mode allows that.
    private static SafeDescriptor ReopenNonBlocking(SafeDescriptor descriptor, IpcAccess access)
    {
        var fd = Libc.open(ProcFile.Descriptor(descriptor.Number), OpenFlags | AccessFlag(access), 0);
        if (fd >= 0)
        {
            descriptor.Dispose();
            return new SafeDescriptor(fd);
        }
        _ = Libc.fcntl(descriptor, Libc.F_SETFL, Libc.O_NONBLOCK);
        return descriptor;
    }

    private static long AtLeastOne(long value, string what, IpcAddress address) =>
        value >= 1 ? value : throw IpcException.Argument($"The maximum {what} must be 1 or more; it is {value}.", address.Text);

    // What the kernel takes where mq_open(3) gets no attributes.
    private static long Default(string what, long fallback) =>
        Math.Min(Sysctl.Read($"fs.mqueue.{what}_default") ?? fallback, Sysctl.Read($"fs.mqueue.{what}_max") ?? fallback);

    private static IpcException CreateFailed(int errno, IpcAddress address, in Libc.MqAttributes asked)
    {
        var (messages, size) = (asked.MaxMessages, asked.MaxMessageSize);
        return errno switch
        {
            Errno.EINVAL when Sysctl.Read("fs.mqueue.msg_max") is { } most && messages > most =>
                Limit(errno, address, $"{messages} messages are more than a queue may hold: fs.mqueue.msg_max is {most}.",
                    $"Ask for at most {most}, or raise the limit as root, to at most {HardMaxMessages}: "
                    + $"sysctl fs.mqueue.msg_max={Math.Min(messages, HardMaxMessages)}."),
            Errno.EINVAL when Sysctl.Read("fs.mqueue.msgsize_max") is { } most && size > most =>
                Limit(errno, address, $"Messages of {size} bytes are larger than a queue may hold: fs.mqueue.msgsize_max is {most}.",
                    $"Ask for at most {most}, or raise the limit as root, to at most {HardMaxMessageSize}: "
                    + $"sysctl fs.mqueue.msgsize_max={Math.Min(size, HardMaxMessageSize)}. "
                    + "An Object may be larger: it travels through shared memory."),
            Errno.EINVAL or Errno.EOVERFLOW =>
                Limit(errno, address, $"The kernel refuses a queue of {messages} messages of {size} bytes.",
                    $"fs.mqueue.msg_max is {Sysctl.Describe("fs.mqueue.msg_max")}, fs.mqueue.msgsize_max is "
                    + $"{Sysctl.Describe("fs.mqueue.msgsize_max")}. They can be raised to at most {HardMaxMessages} messages and "
                    + $"{HardMaxMessageSize} bytes."),
            Errno.ENOSPC =>
                Limit(errno, address,
                    $"The limit of POSIX queues is reached: fs.mqueue.queues_max is {Sysctl.Describe("fs.mqueue.queues_max")}.",
                    "Remove some, or raise the limit as root: sysctl fs.mqueue.queues_max=….", IpcAdvice.RemoveUnused),
            Errno.EMFILE => NoDescriptorLeft(address, asked),
            _ => IpcException.FromErrno("mq_open", errno, address.Text),
        };
    }

    // EMFILE stands for two limits: the descriptors of the process and, for a new queue, the bytes of all of the user's queues.
    private static IpcException NoDescriptorLeft(IpcAddress address, Libc.MqAttributes? asked)
    {
        if (asked is null || !SafeDescriptor.IsAnotherLeft()) return IpcException.FromErrno("mq_open", Errno.EMFILE, address.Text);
        var (messages, size) = ((Int128)asked.Value.MaxMessages, (Int128)asked.Value.MaxMessageSize);
        var limit = Sysctl.ReadProcessLimit("Max msgqueue size") is { } bytes ? $"{bytes} bytes" : "not readable";
        return Limit(Errno.EMFILE, address,
            $"A queue of {messages} messages of {size} bytes counts as {messages * (size + CountedPerMessage)} bytes, which is more than "
            + $"is left for this user: the limit for all queues of a user together, RLIMIT_MSGQUEUE, is {limit}.",
            "Ask for fewer or smaller messages, remove unused queues, or raise the limit: 'ulimit -q' in the shell that starts this "
            + "process, or 'msgqueue' in /etc/security/limits.conf.");
    }

    private static IpcException Limit(int errno, IpcAddress address, string message, string hint, IpcAdvice advice = IpcAdvice.None) =>
        new(IpcErrors.LimitReached, message, address.Text, hint) { Errno = errno, Call = "mq_open", Advice = advice };
}
