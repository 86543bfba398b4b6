using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Server;

/// <summary>Sockets that a service manager opened before it started this process (sd_listen_fds(3)). The variable LISTEN_PID is the process
/// that they are meant for, and LISTEN_FDS is their number. They are the descriptors from 3 on.</summary>
public static class SocketActivation
{
    private const int First = 3;

    private static readonly object Lock = new();
    private static bool s_taken;

    /// <summary>Takes the sockets over. Only the first call returns them. The list is empty if the service manager passed none.</summary>
    /// <param name="allowUsers">Users that are served besides the current user, by name or number; <c>*</c> for every user; null for no
    /// other user.</param>
    /// <returns>Listeners, connections and datagram sockets, in the manager's order. From now on they are closed on exec.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.WrongKind"/>: one of them is not a socket that IpcPs has a channel
    /// for.</exception>
    public static IReadOnlyList<IpcChannel> Take(IReadOnlyList<string>? allowUsers = null)
    {
        lock (Lock)
        {
            if (s_taken || Number("LISTEN_PID") != Environment.ProcessId) return [];
            if (Number("LISTEN_FDS") is not { } count || count is < 1 or > 4096) return [];
            s_taken = true;
            var channels = new List<IpcChannel>(count);
            try
            {
                for (var number = First; number < First + count; number++) channels.Add(Adopt(number, allowUsers));
                return channels;
            }
            catch
            {
                foreach (var channel in channels) channel.Dispose();
                throw;
            }
        }
    }

    /// <summary>Why <see cref="Take"/> returns no sockets, although a service manager passed some; null otherwise.</summary>
    public static string? Problem =>
        Number("LISTEN_FDS") is { } count and > 0 && Number("LISTEN_PID") is { } process && process != Environment.ProcessId
            ? $"LISTEN_FDS says that {count} sockets were passed, but to process {process} (LISTEN_PID), and this is process "
                + $"{Environment.ProcessId}. A program that starts this one as its child, such as a shell script, must start it with exec."
            : null;

    private static IpcChannel Adopt(int number, IReadOnlyList<string>? allowUsers)
    {
        var descriptor = new SafeDescriptor(number);
        var address = IpcAddress.OfDescriptor(IpcScheme.Fd, 0, number);
        try
        {
            if (Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) != 0)
                throw IpcException.FromErrno("fcntl(F_SETFD)", Marshal.GetLastPInvokeError(), address.Text);
            if (FileStatus.Of(descriptor, address.Text).IsType(Libc.S_IFSOCK)
                && IpcSocket.Adopt(descriptor, null, allowUsers) is { } channel)
                return channel;
            throw new IpcException(IpcErrors.WrongKind,
                $"'{address}', which the service manager passed, is not a unix, TCP or UDP socket.", address.Text);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
