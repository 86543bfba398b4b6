using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using IpcPs.Messaging;
using IpcPs.Proc;

namespace IpcPs.Transports;

/// <summary>Transports whose object has no name on the machine, so that nothing of it can stay behind. The parent has the object open, and
/// other processes open it through the parent's /proc/PID/fd. Its address appears in errors and in large messages, but cannot be
/// opened.</summary>
internal static class UnnamedTransport
{
    private const string Prefix = "ipcps-transport-";

    /// <summary>A random name for a transport's object. The process id of its parent is part of it.</summary>
    public static string NewName() => string.Create(CultureInfo.InvariantCulture,
        $"{Prefix}{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");

    /// <summary>An address with a new name.</summary>
    public static IpcAddress NewAddress(IpcScheme scheme) => IpcAddress.Parse($"{AddressParser.Word(scheme)}:/{NewName()}");

    /// <summary>The process that created the transport of an address; null if the address is not one of a transport.</summary>
    public static int? CreatorOf(IpcAddress address)
    {
        if (address.Name is not { } name || !name.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var id = name.AsSpan(Prefix.Length, Math.Max(0, name.LastIndexOf('-') - Prefix.Length));
        return int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>Removes messages in shared memory that were not received, if the transport's parent was killed and cannot do it.</summary>
    public static void CleanUpFor(IpcAddress address)
    {
        if (CreatorOf(address) is { } creator && !ProcFile.IsRunning(creator)) LargeMessage.RemoveAll(address);
    }

    /// <summary>The text with which another process opens the object: <c>/proc/PID/fd/N ADDRESS</c>.</summary>
    public static string ConnectionString(SafeDescriptor descriptor, IpcAddress address) =>
        $"{ProcFile.Descriptor(Environment.ProcessId, descriptor.Number)} {address.Text}";

    /// <summary>Opens the object (open(2)).</summary>
    /// <param name="connectionString">See <see cref="ConnectionString"/>.</param>
    /// <param name="flags">O_RDONLY, O_WRONLY or O_RDWR.</param>
    /// <param name="address">The object's address.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: the parent has ended or has released the transport.
    /// <see cref="IpcErrors.InvalidData"/>: the connection string is malformed.</exception>
    public static SafeDescriptor Open(string connectionString, int flags, out IpcAddress address)
    {
        if (connectionString.Split(' ', 2) is not [var path, var name]) throw Malformed("<path> <address>");
        address = IpcAddress.Parse(name);
        var fd = Libc.open(path, flags | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        if (fd >= 0) return new SafeDescriptor(fd);
        throw IpcException.FromErrno("open", Marshal.GetLastPInvokeError(), address.Text,
            "The process that created the transport has ended or has released it.");
    }

    /// <summary>The error for a connection string that does not have the expected parts. It does not show the text, which can contain a
    /// secret.</summary>
    public static IpcException Malformed(string expected) =>
        new(IpcErrors.InvalidData, $"The job's connection string is malformed: expected '{expected}'.");
}
