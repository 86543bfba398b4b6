using System.Reflection;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Errors;

/// <summary>The meaning of an errno: its name, its text, its error id and the usual advice.</summary>
internal static class ErrnoTable
{
    internal readonly record struct Meaning(IpcErrorId Id, string Text, string? Hint = null, IpcAdvice Advice = IpcAdvice.None);

    private static readonly Dictionary<int, string> Names = typeof(Errno)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .ToDictionary(static f => (int)f.GetRawConstantValue()!, static f => f.Name);

    /// <summary>The errno's symbolic name, <c>EPIPE</c>; a number where <see cref="Errno"/> does not have it.</summary>
    public static string Name(int errno) => Names.TryGetValue(errno, out var name) ? name : $"errno {errno}";

    /// <summary>What an errno of a call means.</summary>
    /// <param name="call">The call, as its man page names it.</param>
    /// <param name="errno">The errno.</param>
    public static Meaning Explain(string call, int errno)
    {
        if (LimitOf(call, errno) is { } limit)
        {
            return new(IpcErrors.LimitReached, $"this user has reached the limit {limit}, which is {Sysctl.Describe(limit)}",
                $"Raise it with 'sysctl {limit}=…', or end programs that use much of it.", IpcAdvice.CheckLimits);
        }
        var text = Marshal.GetPInvokeErrorMessage(errno);
        return errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR => new(IpcErrors.NotFound, text, Advice: IpcAdvice.CheckAddress),
            Errno.ESRCH => new(IpcErrors.NotFound, text, "The process has ended."),
            Errno.EACCES or Errno.EPERM or Errno.EROFS => new(IpcErrors.AccessDenied, text, Advice: IpcAdvice.CheckPermissions),
            Errno.EEXIST or Errno.EADDRINUSE => new(IpcErrors.AlreadyExists, text, Advice: IpcAdvice.OpenOrRemove),
            Errno.ENAMETOOLONG => new(IpcErrors.NameTooLong, text, "Choose a shorter name."),
            Errno.EMFILE => new(IpcErrors.LimitReached, text,
                "This process has RLIMIT_NOFILE descriptors open: close some, or raise it with 'ulimit -n'."),
            Errno.ENFILE => new(IpcErrors.LimitReached, text,
                "The system has fs.file-max files open: raise it with 'sysctl fs.file-max=…'."),
            Errno.ENOSPC => new(IpcErrors.LimitReached, text, Advice: IpcAdvice.CheckLimits),
            Errno.ENOMEM or Errno.ENOBUFS => new(IpcErrors.LimitReached, text, "The kernel has no memory for it."),
            Errno.EMSGSIZE or Errno.E2BIG => new(IpcErrors.MessageTooLarge, text),
            Errno.EPIPE or Errno.ECONNRESET or Errno.ECONNREFUSED or Errno.ENOTCONN or Errno.ECONNABORTED =>
                new(IpcErrors.PeerClosed, text),
            Errno.EIDRM => new(IpcErrors.Removed, text),
            Errno.ETIMEDOUT => new(IpcErrors.Timeout, text),
            Errno.EINVAL or Errno.ERANGE or Errno.EOVERFLOW => new(IpcErrors.InvalidArgument, text),
            Errno.EBADF => new(IpcErrors.Closed, text),
            Errno.ENOSYS or Errno.EOPNOTSUPP => new(IpcErrors.PlatformNotSupported, text, Advice: IpcAdvice.CheckFeatures),
            _ => new(IpcErrors.SystemError, text),
        };
    }

    // Calls whose errno stands for a limit of their own, and not for the usual one.
    private static string? LimitOf(string call, int errno) => (call, errno) switch
    {
        ("inotify_init1", Errno.EMFILE) when SafeDescriptor.IsAnotherLeft() =>
            Lower("fs.inotify.max_user_instances", "user.max_inotify_instances"),
        ("inotify_add_watch", Errno.ENOSPC) => Lower("fs.inotify.max_user_watches", "user.max_inotify_watches"),
        ("epoll_ctl", Errno.ENOSPC) => "fs.epoll.max_user_watches",
        _ => null,
    };

    // A user namespace has a limit of its own beside that of the machine (namespaces(7)).
    private static string Lower(string machine, string own) => Sysctl.Read(own) < Sysctl.Read(machine) ? own : machine;
}
