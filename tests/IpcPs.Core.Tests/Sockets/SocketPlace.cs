using System.Globalization;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>An address of each kind of socket that no other test has, and what a test needs to clean up after it.</summary>
internal sealed class SocketPlace : IDisposable
{
    private readonly List<IDisposable> _opened = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

    public static TheoryData<string> Connected => new("stream", "seqpacket", "abstract", "tcp");

    public static TheoryData<string> All => new("stream", "seqpacket", "abstract", "tcp", "datagram", "udp");

    public string Folder => _folder;

    public IpcAddress Address(string kind) => IpcAddress.Parse(kind switch
    {
        "stream" => $"unix:{_folder}/s",
        "seqpacket" => $"unix:{_folder}/p?type=seqpacket",
        "datagram" => $"unix:{_folder}/d?type=datagram",
        "abstract" => string.Create(CultureInfo.InvariantCulture, $"unix:@ipcps-test-{Environment.ProcessId}-{Guid.NewGuid():N}"),
        "abstract-seqpacket" => $"unix:@ipcps-test-{Environment.ProcessId}-{Guid.NewGuid():N}?type=seqpacket",
        "tcp" => "tcp:127.0.0.1:0",
        "tcp6" => "tcp:[::1]:0",
        "udp" => "udp:127.0.0.1:0",
        _ => throw new ArgumentException(kind),
    });

    /// <summary>A TCP port that no process listens on. The kernel does not choose it for a client, because it is below the local port
    /// range.</summary>
    public static IpcAddress UnusedTcp()
    {
        var lowest = int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0],
            CultureInfo.InvariantCulture);
        while (true)
        {
            var address = IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture,
                $"tcp:127.0.0.1:{Random.Shared.Next(Math.Min(1024, lowest - 1), lowest)}"));
            try
            {
                IpcSocket.Listen(address).Dispose();
                return address;
            }
            catch (IpcException e) when (e.Id == IpcErrors.AlreadyExists)
            {
                // A server's: the next one.
            }
        }
    }

    public IpcChannel Listen(string kind, SocketListenOptions options = default) => Keep(IpcSocket.Listen(Address(kind), options));

    public IpcChannel Connect(IpcChannel listener) => Keep(IpcSocket.Connect(listener.Address));

    /// <summary>Both ends of a connection.</summary>
    public (IpcChannel Client, IpcChannel Server) Pair(string kind)
    {
        var listener = (SocketListener)Listen(kind);
        var client = Connect(listener);
        return (client, Keep(listener.Accept(Deadline.After(TimeSpan.FromSeconds(30)))));
    }

    public T Keep<T>(T opened)
        where T : IDisposable
    {
        _opened.Add(opened);
        return opened;
    }

    public void Dispose()
    {
        for (var i = _opened.Count - 1; i >= 0; i--) _opened[i].Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
