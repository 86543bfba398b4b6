using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Tests.Addresses;

public class AddressPropertyTests
{
    private static readonly string[] Parts =
    [
        "/", "//", ":", "::", "?", "?type=", "?type=stream", "?type=datagram", "?type=seqpacket", "#", "@", ",", "=", "id=", "0x", "-1",
        "+",
        "0", "1", "2a", "42", "007", "80", "65535", "4294967295", "%", "%0", "[::1]", "[", "]", "127.0.0.1", "127.1", "localhost", ".",
        "..",
        "a", "jobs", "tmp", " ", "\0", "\n", "\x7f", "\x85", "é", "\u2028", "\uFFFD", "😀", "\ud83d", "\ude00", "#A", "#7", "#256",
        ".mutex",
    ];

    private static string Right(IpcScheme scheme) => scheme switch
    {
        IpcScheme.Pipe or IpcScheme.MemFd => "1/3",
        IpcScheme.Fd => "3",
        IpcScheme.File => "/tmp/x",
        IpcScheme.SysVMq or IpcScheme.SysVSem or IpcScheme.SysVShm => "/tmp/x#A",
        IpcScheme.Tcp or IpcScheme.Udp => "127.0.0.1:80",
        _ => "x",
    };

    [Fact]
    public void An_address_that_parses_prints_as_one_that_parses_to_the_same()
    {
        var parsed = new HashSet<IpcScheme>();
        new Fuzz().Run(static random => MemoryMarshal.AsBytes<char>(Random(random)).ToArray(), bytes =>
        {
            var text = new string(MemoryMarshal.Cast<byte, char>(bytes));
            if (!IpcAddress.TryParse(text, out var address)) return;
            parsed.Add(address!.Scheme);
            AssertReadable(address);
        });
        Assert.Equal(Enum.GetValues<IpcScheme>().Order(), parsed.Order());
    }

    /// <summary>Another process can be given the address as text, and finds the same object.</summary>
    internal static void AssertReadable(IpcAddress address)
    {
        var text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(address.Text));
        Assert.Equal(Describe(address), Describe(IpcAddress.Parse(text)));
    }

    private static object Describe(IpcAddress a) => (a.Text, a.Scheme, a.Name, a.Path, a.Key, a.EndPoint,
        (a.SocketType, a.IsAbstract, a.Host, a.IsTopic, a.ProcessId, a.Descriptor, a.WriteDescriptor));

    private static string Random(Random random)
    {
        var scheme = Enum.GetValues<IpcScheme>()[random.Next(Enum.GetValues<IpcScheme>().Length)];
        var text = new StringBuilder(scheme.ToString()).Append(':');
        if (random.Next(2) == 0) text.Append(Right(scheme));
        for (var n = random.Next(6); n > 0; n--)
            text.Append(random.Next(8) == 0 ? ((char)random.Next(0x10000)).ToString() : Parts[random.Next(Parts.Length)]);
        return text.ToString();
    }
}
