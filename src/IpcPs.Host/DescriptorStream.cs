using System.ComponentModel;
using System.Runtime.InteropServices;

namespace IpcPs.Host;

/// <summary>Standard output or standard error, written with write(2). The console's own stream takes a reader's death for success, and
/// a script would go on writing to nobody.</summary>
/// <param name="descriptor">1 or 2.</param>
/// <param name="onClosed">Called when nobody reads any more (EPIPE); what is written from then on is dropped.</param>
internal sealed partial class DescriptorStream(int descriptor, Action onClosed) : Stream
{
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int EPIPE = 32;
    private bool _closed;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0 && !_closed)
        {
            nint written;
            fixed (byte* first = buffer) written = write(descriptor, first, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case EINTR:
                    break;
                case EAGAIN:
                    // Some other holder of the terminal made it non-blocking.
                    var ready = new PollFd { Descriptor = descriptor, Requested = 4 };
                    _ = poll(&ready, 1, -1);
                    break;
                case EPIPE:
                    _closed = true;
                    onClosed();
                    break;
                case var errno:
                    throw new IOException($"write to descriptor {descriptor}: {new Win32Exception(errno).Message}", errno);
            }
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int poll(PollFd* descriptors, nuint count, int milliseconds);

    private struct PollFd
    {
        public int Descriptor;
        public short Requested;
        public short Returned;
    }
}
