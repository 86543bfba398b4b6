using System.Globalization;
using System.Net.Sockets;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>Addresses that no other test has, the programs that tests talk to, and what has to be cleaned up after them.</summary>
internal sealed class SocketPlace : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;
    private readonly string _name = $"module-{Environment.ProcessId}-{Guid.NewGuid():n}"[..32];

    /// <summary>Every kind of socket; IPv6 where this machine has it.</summary>
    public static TheoryData<string> All => new(Kinds.Where(static k => HasIPv6 || !k.EndsWith('6')));

    /// <summary>Those with connections.</summary>
    public static TheoryData<string> Connected => new(Kinds.Where(static k => (HasIPv6 || !k.EndsWith('6')) && !IsDatagram(k)));

    /// <summary>python3, or null.</summary>
    public static Shell? Python { get; } = Shell.Find("python3");

    /// <summary>socat, or null.</summary>
    public static Shell? Socat { get; } = Shell.Find("socat");

    public string Folder => _folder;

    /// <summary>Whether it has no connections.</summary>
    public static bool IsDatagram(string kind) => kind.Contains("datagram", StringComparison.Ordinal)
        || kind.StartsWith("udp", StringComparison.Ordinal);

    /// <summary>The address to listen at.</summary>
    public string Address(string kind) => kind switch
    {
        "name" => $"unix:{_name}",
        "path" => $"unix:{_folder}/s",
        "abstract" => $"unix:@{_name}",
        "seqpacket" => $"unix:{_folder}/p?type=seqpacket",
        "abstract seqpacket" => $"unix:@{_name}?type=seqpacket",
        "datagram" => $"unix:{_name}?type=datagram",
        "abstract datagram" => $"unix:@{_name}?type=datagram",
        "tcp" or "udp" => kind + ":127.0.0.1:0",
        "tcp6" or "udp6" => kind[..3] + ":[::1]:0",
        _ => throw new ArgumentException(kind),
    };

    /// <summary>Starts a Python script. It has <c>reach(address)</c>, which gives a connected socket, and <c>become(uid)</c>.</summary>
    public static ShellProcess StartPython(string script, params string[] arguments) => Python!.StartArguments(["-c", """
        import os, socket, sys
        def reach(address):
            scheme, rest = address.split(':', 1)
            if scheme != 'unix':
                host, port = rest.rsplit(':', 1)
                family = socket.AF_INET6 if host[0] == '[' else socket.AF_INET
                s = socket.socket(family, socket.SOCK_STREAM if scheme == 'tcp' else socket.SOCK_DGRAM)
                s.connect((host.strip('[]'), int(port)))
                return s
            path, _, type = rest.partition('?type=')
            if path[0] not in '/@': path = FOLDER + '/' + path
            types = {'': socket.SOCK_STREAM, 'seqpacket': socket.SOCK_SEQPACKET, 'datagram': socket.SOCK_DGRAM}
            s = socket.socket(socket.AF_UNIX, types[type])
            if type == 'datagram': s.bind('')
            s.connect('\0' + path[1:] if path[0] == '@' else path)
            return s
        def become(uid):
            os.setgroups([]); os.setgid(uid); os.setuid(uid)

        """.Replace("FOLDER", $"'{RuntimeFolder.Path}'", StringComparison.Ordinal) + script, .. arguments]);

    public void Dispose()
    {
        var inFolder = Path.Combine(RuntimeFolder.Path, _name);
        if (File.Exists(inFolder)) File.Delete(inFolder);
        Directory.Delete(_folder, recursive: true);
    }

    private static readonly string[] Kinds = ["name", "path", "abstract", "seqpacket", "abstract seqpacket", "datagram",
        "abstract datagram", "tcp", "tcp6", "udp", "udp6"];

    private static bool HasIPv6 { get; } = BindsToIPv6();

    private static bool BindsToIPv6()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>A test that needs programs of the machine, and says so where one is missing.</summary>
internal sealed class NeedsFactAttribute : FactAttribute
{
    /// <param name="programs">Programs on PATH; <c>root</c> for being that user.</param>
    public NeedsFactAttribute(params string[] programs) => Skip = Missing(programs);

    public static string? Missing(string[] programs)
    {
        foreach (var needed in programs)
        {
            if (needed == "root")
            {
                if (Environment.UserName != "root") return "Only root can be another user too.";
            }
            else if (Shell.Find(needed) is null) return $"{needed} is not on PATH.";
        }
        return null;
    }
}

/// <inheritdoc cref="NeedsFactAttribute"/>
internal sealed class NeedsTheoryAttribute : TheoryAttribute
{
    /// <param name="programs">Programs on PATH; <c>root</c> for being that user.</param>
    public NeedsTheoryAttribute(params string[] programs) => Skip = NeedsFactAttribute.Missing(programs);
}
