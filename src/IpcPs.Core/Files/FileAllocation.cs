using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Files;

/// <summary>Allocates a file's space before the file is mapped. Missing space is an error here, instead of a SIGBUS when a page is first
/// used.</summary>
/// <remarks>Calls: fallocate(2), ftruncate(2), pwrite(2), fstatfs(2), getrlimit(2).</remarks>
internal static unsafe class FileAllocation
{
    /// <summary>Makes the file <paramref name="size"/> bytes long, with all of its space allocated.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: the text has the file system, its size and its free
    /// space.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the file may have grown.</exception>
    public static void Reserve(SafeDescriptor file, long from, long size, IpcAddress address, CancellationToken cancellation)
    {
        CheckFileLimit(size, address);
        if (address.Scheme != IpcScheme.File) CheckMemory(size - from, address);
        var call = new AllocateCall(file, from, size - from);
        // Gigabytes take seconds; a signal ends the call early.
        var errno = InterruptibleCall.Invoke<AllocateCall, int>(ref call, out _, cancellation, CancellationToken.None);
        if (errno is Errno.EOPNOTSUPP or Errno.ENOSYS) errno = WriteZeros(file, from, size, cancellation);
        if (errno != 0) throw Failure("fallocate", errno, file, size, address);
    }

    /// <summary>Makes the file that long without allocating space.</summary>
    public static void Extend(SafeDescriptor file, long size, IpcAddress address)
    {
        CheckFileLimit(size, address);
        if (Libc.ftruncate(file, size) != 0) throw Failure("ftruncate", Marshal.GetLastPInvokeError(), file, size, address);
    }

    // Beyond this limit the kernel does not only fail the call: it sends SIGXFSZ, which ends the process.
    private static void CheckFileLimit(long size, IpcAddress address)
    {
        Libc.ResourceLimit limit;
        if (Libc.getrlimit(Libc.RLIMIT_FSIZE, &limit) == 0 && (ulong)size > limit.Current)
        {
            throw new IpcException(IpcErrors.LimitReached,
                $"'{address}' cannot have {size} bytes: this process may create files of up to {limit.Current} bytes (RLIMIT_FSIZE).",
                address.Text,
                "Raise the limit with 'ulimit -f'.");
        }
    }

    private static void CheckMemory(long size, IpcAddress address)
    {
        var available = AvailableMemory.Available;
        if (size > available)
        {
            throw new IpcException(IpcErrors.LimitReached,
                $"There is no memory for the {size} bytes of '{address}': "
                + $"this machine, or this process's control group, has {available} bytes available.",
                address.Text, "Ask for less, use a file, or allocate the memory when it is used first.")
            { Advice = IpcAdvice.UseFileOrSparseMemory };
        }
    }

    private static int WriteZeros(SafeDescriptor file, long from, long size, CancellationToken cancellation)
    {
        var zeros = new byte[1 << 20];
        fixed (byte* bytes = zeros)
        {
            for (var at = from; at < size;)
            {
                cancellation.ThrowIfCancellationRequested();
                var written = Libc.pwrite(file, bytes, (nuint)Math.Min(zeros.Length, size - at), at);
                if (written < 0 && Marshal.GetLastPInvokeError() is var errno and not Errno.EINTR) return errno;
                if (written > 0) at += written;
            }
        }
        return 0;
    }

    private static IpcException Failure(string call, int errno, SafeDescriptor file, long size, IpcAddress address)
    {
        if (errno is not (Errno.ENOSPC or Errno.EFBIG or Errno.ENOMEM or Errno.EDQUOT or Errno.EINVAL))
            return IpcException.FromErrno(call, errno, address.Text);
        var isShm = address.Scheme is IpcScheme.Shm or IpcScheme.Sem or IpcScheme.Ring;
        var space = "";
        Libc.FileSystemStatus status;
        if (address.Scheme != IpcScheme.MemFd && Libc.fstatfs(file, &status) == 0 && status.Blocks != 0)
        {
            space = $"; {(isShm ? "/dev/shm" : "the file system")} has {status.Available * (ulong)status.BlockSize} of "
                + $"{status.Blocks * (ulong)status.BlockSize} bytes free";
        }
        return new IpcException(IpcErrors.LimitReached,
            $"There is no space for the {size} bytes of '{address}'{space} ({ErrnoTable.Name(errno)}).",
            address.Text, isShm
                ? "Remove objects that no process needs, or enlarge it: 'mount -o remount,size=… /dev/shm', for a container '--shm-size'."
                : "Free some space, or ask for less.")
        {
            Advice = isShm ? IpcAdvice.RemoveUnused : IpcAdvice.None,
            Errno = errno,
            Call = call,
        };
    }

    private readonly struct AllocateCall(SafeDescriptor file, long offset, long length) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.fallocate(file, 0, offset, length)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
