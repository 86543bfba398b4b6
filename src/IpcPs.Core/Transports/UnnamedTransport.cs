using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Transports;

/// <summary>A link's object that has no name on the machine, so that nothing of it can stay: its maker has it open, and the others open it through the maker's
/// /proc/PID/fd. What it is called, in errors and in large messages, nobody can open.</summary>
internal static class UnnamedTransport
{
    private const string Prefix = "ipcps-link-";

    /// <summary>What such an object is called.</summary>
    public static IpcAddress NewAddress(IpcScheme scheme) => IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture,
        $"{AddressParser.Word(scheme)}:/{Prefix}{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}"));

    /// <summary>The process that made the link of that address; null where it is no link's.</summary>
    public static int? MakerOf(IpcAddress address)
    {
        if (address.Name is not { } name || !name.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        return int.TryParse(name.AsSpan(Prefix.Length, Math.Max(0, name.LastIndexOf('-') - Prefix.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    /// <summary>Removes messages in shared memory that nobody will receive, where the link's maker was killed and can't do it itself.</summary>
    public static void CleanUpFor(IpcAddress address)
    {
        if (MakerOf(address) is { } maker && !ProcFile.IsRunning(maker)) LargeMessage.RemoveAll(address);
    }

    /// <summary>What another process opens it by.</summary>
    public static string Ticket(SafeDescriptor descriptor, IpcAddress address) =>
        $"{ProcFile.Descriptor(Environment.ProcessId, descriptor.Number)} {address.Text}";

    /// <summary>Opens it (open(2)).</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="flags">O_RDONLY, O_WRONLY or O_RDWR.</param>
    /// <param name="address">What it is called.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: the maker is gone, or the link is.</exception>
    public static SafeDescriptor Open(string ticket, int flags, out IpcAddress address)
    {
        var (path, name) = ticket.Split(' ', 2) is [var first, var second] ? (first, second) : throw new IpcException(IpcErrors.InvalidData, "What was told of a link is no ticket.");
        address = IpcAddress.Parse(name);
        var fd = Libc.open(path, flags | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        return fd >= 0 ? new SafeDescriptor(fd) : throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text, "The process that made the link has ended, or let go of it.");
    }
}
