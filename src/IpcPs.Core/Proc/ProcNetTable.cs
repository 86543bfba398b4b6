using System.Globalization;
using System.Net;

namespace IpcPs.Proc;

/// <summary>The kernel's tables of TCP and UDP sockets as text (/proc/net/tcp and its like, proc(5)): where sock_diag(7) does not answer.</summary>
internal static class ProcNetTable
{
    private const byte TimeWait = 6;

    /// <summary>Sockets on a port; none where the table can't be read.</summary>
    public static List<SocketTableEntry> Find(int protocol, int port)
    {
        var found = new List<SocketTableEntry>();
        var name = protocol == Libc.IPPROTO_TCP ? "/proc/net/tcp" : "/proc/net/udp";
        foreach (var path in (ReadOnlySpan<string>)[name, name + "6"])
        {
            try
            {
                foreach (var line in File.ReadLines(path).Skip(1))
                {
                    if (Parse(line) is { } entry && entry.Local.Port == port) found.Add(entry);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No such table here.
            }
        }
        return found;
    }

    internal static SocketTableEntry? Parse(string line)
    {
        // sl local rem st queues timer retrnsmt uid timeout inode
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10 || EndPoint(fields[1]) is not { } local || EndPoint(fields[2]) is not { } remote) return null;
        if (!byte.TryParse(fields[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var state)
            || !uint.TryParse(fields[7], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            || !uint.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out var inode)) return null;
        // A time-wait entry in a state of its own can't be told from a socket here; neither has an inode, and its owner is given as 0.
        return new SocketTableEntry(local, remote, state, state == TimeWait || (inode == 0 && user == 0), user, inode);
    }

    // 0100007F:1F90; the address in words of the machine's byte order, which is little-endian wherever this runs.
    private static IPEndPoint? EndPoint(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is not (8 or 32) || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var port)) return null;
        var bytes = Convert.FromHexString(text.AsSpan(0, colon));
        for (var i = 0; i < bytes.Length; i += 4) bytes.AsSpan(i, 4).Reverse();
        return new IPEndPoint(new IPAddress(bytes), port);
    }
}
