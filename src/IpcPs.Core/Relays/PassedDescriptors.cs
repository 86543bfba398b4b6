using System.Buffers.Text;
using System.Globalization;
using IpcPs.Messaging;

namespace IpcPs.Relays;

/// <summary>How many bytes of a Unix socket can be spliced without losing descriptors that a program passed with them (SCM_RIGHTS). The
/// kernel counts the descriptors in a socket's queue: <c>scm_fds</c> of /proc/self/fdinfo (proc(5)).</summary>
internal sealed unsafe class PassedDescriptors : IDisposable
{
    private readonly StreamChannel _socket;
    private readonly SafeDescriptor _info;

    private PassedDescriptors(StreamChannel socket, SafeDescriptor info) => (_socket, _info) = (socket, info);

    /// <summary>Null where this kernel or container does not tell.</summary>
    public static PassedDescriptors? TryOpen(StreamChannel socket)
    {
        var number = socket.ReaderDescriptor(default).Number;
        var fd = Libc.open(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{number}"), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) return null;
        var passed = new PassedDescriptors(socket, new SafeDescriptor(fd));
        if (passed.Count() >= 0) return passed;
        passed.Dispose();
        return null;
    }

    /// <summary>How many bytes have arrived that have no descriptors with them; 0 if some may have.</summary>
    public int BytesWithout()
    {
        // In this order: what arrives between the two calls can only make the answer 0.
        var bytes = Pipes.PipeIO.GetPending(_socket.ReaderDescriptor(default), _socket.Address);
        return bytes > 0 && Count() == 0 ? bytes : 0;
    }

    public void Dispose() => _info.Dispose();

    /// <summary>-1 if the kernel does not tell.</summary>
    private int Count()
    {
        const int size = 512;
        var text = stackalloc byte[size];
        var read = Libc.pread(_info, text, size, 0);
        var bytes = new ReadOnlySpan<byte>(text, (int)Math.Max(read, 0));
        var at = bytes.IndexOf("scm_fds:"u8);
        if (at < 0) return -1;
        return Utf8Parser.TryParse(bytes[(at + 8)..].TrimStart(" \t"u8), out int count, out _) ? count : -1;
    }
}
