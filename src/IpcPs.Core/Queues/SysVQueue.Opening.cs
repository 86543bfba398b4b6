using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Queues;

/// <content>Creating, opening and removing: msgget(2), msgctl(2), and which limit their errors mean.</content>
public sealed unsafe partial class SysVQueue
{
    /// <summary>Creates a queue. The umask does not apply to System V objects.</summary>
    /// <param name="key">Its key; null for a private queue, which is found only by its id.</param>
    /// <param name="mode">Which users may receive (read) and send (write).</param>
    /// <param name="maxBytes">How many bytes of payload it holds; null for kernel.msgmnb.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (names the limit),
    /// <see cref="IpcErrors.NotFound"/> (the file of a <c>/path#id</c> key), <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SysVQueue Create(
        SysVKey? key = null, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, long? maxBytes = null)
    {
        if (key is { Id: not null })
            throw IpcException.Argument($"The kernel chooses the id of a queue; '{key}' can only be opened.", $"sysvmq:{key}");
        var number = key?.Resolve() ?? Libc.IPC_PRIVATE;
        var id = Libc.msgget(number, Libc.IPC_CREAT | Libc.IPC_EXCL | (int)mode);
        var address = key is null ? null : IpcAddress.Parse($"sysvmq:{key}");
        if (id < 0) throw CreateFailed(Marshal.GetLastPInvokeError(), address?.Text);
        address ??= IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"sysvmq:id={id}"));
        var queue = new SysVQueue(address, id, IpcAccess.ReadWrite);
        if (maxBytes is not { } bytes) return queue;
        try
        {
            queue.MaxBytes = bytes;
            return queue;
        }
        catch
        {
            RemoveId(id, address);
            throw;
        }
    }

    /// <summary>Opens a queue that exists.</summary>
    /// <param name="address">Its address, <c>sysvmq:KEY</c>.</param>
    /// <param name="access">What the caller intends to do; the kernel checks the permission with each message.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static SysVQueue OpenExisting(IpcAddress address, IpcAccess access = IpcAccess.Default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new SysVQueue(address, FindId(address), access);
    }

    /// <summary>Removes a queue and its messages. Waits on it end with <see cref="IpcErrors.Removed"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>.</exception>
    public static void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var id = FindId(address);
        // Its senders may have opened it by its key or by its id.
        var large = LargeMessage.NamesOf(c => c.Scheme == IpcScheme.SysVMq && IsOf(c, id));
        RemoveId(id, address);
        LargeMessage.Remove(large);
    }

    private static bool IsOf(IpcAddress address, int id)
    {
        try
        {
            return FindId(address) == id;
        }
        catch (IpcException)
        {
            return false;
        }
    }

    /// <summary>Whether a queue exists at an address.</summary>
    internal static bool Exists(IpcAddress address)
    {
        try
        {
            FindId(address);
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            return false;
        }
    }

    private static int FindId(IpcAddress address)
    {
        if (address.Key!.Id is { } known)
        {
            Libc.MessageQueueStatus status;
            // EACCES: the queue exists, and this user may at most send to it.
            return Libc.msgctl(known, Libc.IPC_STAT, &status) == 0 || Marshal.GetLastPInvokeError() == Errno.EACCES ? known
                : throw IpcException.FromErrno("msgctl", Errno.ENOENT, address.Text);
        }
        var id = Libc.msgget(address.Key.Resolve(), 0);
        return id >= 0 ? id : throw IpcException.FromErrno("msgget", Marshal.GetLastPInvokeError(), address.Text);
    }

    private static void RemoveId(int id, IpcAddress address)
    {
        if (Libc.msgctl(id, Libc.IPC_RMID, null) == 0) return;
        var errno = Marshal.GetLastPInvokeError();
        throw errno is Errno.EINVAL or Errno.EIDRM ? IpcException.FromErrno("msgctl", Errno.ENOENT, address.Text)
            : IpcException.FromErrno("msgctl", errno, address.Text, "Only its owner, its creator and root may remove a queue.");
    }

    private static IpcException CreateFailed(int errno, string? target) => errno switch
    {
        Errno.ENOSPC => new IpcException(IpcErrors.LimitReached,
            $"The limit of System V queues is reached: kernel.msgmni is {Sysctl.Describe("kernel.msgmni")}.", target,
            "Remove some, or raise the limit as root: sysctl kernel.msgmni=….")
        { Errno = errno, Call = "msgget", Advice = IpcAdvice.RemoveUnused },
        _ => IpcException.FromErrno("msgget", errno, target),
    };
}
