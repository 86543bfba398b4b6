using System.Reflection;
using System.Runtime.InteropServices;

namespace IpcPs.Errors;

/// <summary>What an errno means here: its name, its text, the error id it becomes and a first piece of advice.</summary>
internal static class ErrnoTable
{
    internal readonly record struct Meaning(IpcErrorId Id, string Text, string? Hint);

    private static readonly Dictionary<int, string> Names = typeof(Errno)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .ToDictionary(static f => (int)f.GetRawConstantValue()!, static f => f.Name);

    /// <summary>The errno's symbolic name, <c>EPIPE</c>; one that the library does not tell apart is given as its number.</summary>
    public static string Name(int errno) => Names.TryGetValue(errno, out var name) ? name : $"errno {errno}";

    public static Meaning Explain(int errno)
    {
        var text = Marshal.GetPInvokeErrorMessage(errno);
        return errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR => new(IpcErrors.NotFound, text, "Check the address; Get-IpcObject lists what exists."),
            Errno.ESRCH => new(IpcErrors.NotFound, text, "The process has ended."),
            Errno.EACCES or Errno.EPERM or Errno.EROFS => new(IpcErrors.AccessDenied, text, "Check the object's owner and mode with Get-IpcObject."),
            Errno.EEXIST or Errno.EADDRINUSE => new(IpcErrors.AlreadyExists, text, "Open it with Open-IpcObject, or remove it with Remove-IpcObject."),
            Errno.ENAMETOOLONG => new(IpcErrors.NameTooLong, text, "Choose a shorter name."),
            Errno.EMFILE => new(IpcErrors.LimitReached, text, "This process has RLIMIT_NOFILE descriptors open: close some, or raise it with 'ulimit -n'."),
            Errno.ENFILE => new(IpcErrors.LimitReached, text, "The system has fs.file-max files open: raise it with 'sysctl fs.file-max=…'."),
            Errno.ENOSPC => new(IpcErrors.LimitReached, text, "Get-IpcLimit shows which kernel limit is in use up."),
            Errno.ENOMEM or Errno.ENOBUFS => new(IpcErrors.LimitReached, text, "The kernel has no memory for it."),
            Errno.EMSGSIZE or Errno.E2BIG => new(IpcErrors.MessageTooLarge, text, null),
            Errno.EPIPE or Errno.ECONNRESET or Errno.ECONNREFUSED or Errno.ENOTCONN or Errno.ECONNABORTED => new(IpcErrors.PeerClosed, text, null),
            Errno.EIDRM => new(IpcErrors.Removed, text, null),
            Errno.ETIMEDOUT => new(IpcErrors.Timeout, text, null),
            Errno.EINVAL or Errno.ERANGE or Errno.EOVERFLOW => new(IpcErrors.InvalidArgument, text, null),
            Errno.EBADF => new(IpcErrors.Closed, text, null),
            Errno.ENOSYS or Errno.EOPNOTSUPP => new(IpcErrors.PlatformNotSupported, text, "Test-IpcFeature shows what this kernel or container lacks."),
            _ => new(IpcErrors.SystemError, text, null),
        };
    }
}
