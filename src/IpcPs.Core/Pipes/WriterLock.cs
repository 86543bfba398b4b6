using System.Runtime.InteropServices;

namespace IpcPs.Pipes;

/// <summary>Keeps long lines whole on a pipe with several writers. The kernel keeps together what one write of up to PIPE_BUF has; a longer line needs
/// several. So every IpcPs writer holds a shared flock(2) on the pipe while it has it open, and who has a long line to write
/// must get the exclusive one: it is alone then, or it is refused.</summary>
internal static class WriterLock
{
    /// <summary>Announces a writer; waits while another one writes a long line.</summary>
    public static void Share(SafeDescriptor writer, IpcAddress address, in WaitOptions wait, CancellationToken closing)
    {
        if (Libc.flock(writer, Libc.LOCK_SH | Libc.LOCK_NB) == 0) return;
        var call = new ShareCall(writer);
        var errno = InterruptibleCall.Invoke<ShareCall, int>(ref call, out _, wait, closing);
        if (errno == Errno.ETIMEDOUT) throw IpcException.TimedOut($"another writer's long line on '{address}'", address.Text, wait.Deadline, IpcErrors.Full);
        if (errno != 0) throw IpcException.FromErrno("flock", errno, address.Text);
    }

    /// <summary>Makes this the only IpcPs writer until the result is disposed.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.MessageTooLarge"/>: others have the pipe open for writing.</exception>
    public static IDisposable TakeAlone(SafeDescriptor writer, int bytes, IpcAddress address)
    {
        if (Libc.flock(writer, Libc.LOCK_EX | Libc.LOCK_NB) == 0) return new Alone(writer);
        var errno = Marshal.GetLastPInvokeError();
        // The failed conversion gave up the shared lock that was held.
        _ = Libc.flock(writer, Libc.LOCK_SH | Libc.LOCK_NB);
        if (errno != Errno.EAGAIN) throw IpcException.FromErrno("flock", errno, address.Text);
        throw new IpcException(IpcErrors.MessageTooLarge, $"A line of {bytes} bytes cannot be kept whole on '{address}': other writers have it open, and the kernel keeps together {PipeIO.AtomicWrite} bytes (PIPE_BUF).",
            address.Text, "Send it with format Object, which is split and put together again, or use a queue or a socket.") { Advice = IpcAdvice.SetFormat };
    }

    private readonly struct ShareCall(SafeDescriptor writer) : IBlockingCall<int>
    {
        public int Invoke(out int result) => (result = Libc.flock(writer, Libc.LOCK_SH)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private sealed class Alone(SafeDescriptor writer) : IDisposable
    {
        public void Dispose()
        {
            if (!writer.IsClosed) _ = Libc.flock(writer, Libc.LOCK_SH);
        }
    }
}
