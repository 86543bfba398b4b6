using System.Reflection;
using CsCheck;
using IpcPs.Pipes;
using IpcPs.Serialization;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Serialization;

/// <summary>docs/examples/peer.py, written from docs/wire-format.md alone, exchanges objects with this library.</summary>
public sealed class ForeignPeerTests : IDisposable
{
    private static readonly SendOptions AsObject = new() { Format = IpcFormat.Object };
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-peer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Needs("python3")]
    public void Every_object_comes_back_from_Python_as_what_it_was()
    {
        using var to = NamedPipe.Create(IpcAddress.Parse($"fifo:{_folder}/to"));
        using var back = NamedPipe.Create(IpcAddress.Parse($"fifo:{_folder}/back"));
        using var peer = Peer.Start("python3", [PeerScript(), "echo", $"{_folder}/to", $"{_folder}/back"]);
        var encoder = new ObjectEncoder();
        var decoder = new ObjectDecoder();
        var message = new MessageBuffer();
        // Not CsCheck's Sample: after a failure it tries other values, and each of them would wait for a peer that is gone.
        foreach (var value in Values.Any.Array[300].Single())
        {
            var sent = encoder.Encode(value).ToArray();
            try
            {
                to.Send(sent, AsObject, Soon());
                Assert.True(back.Receive(message, default, Soon()), "The peer closed its end.");
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"{Convert.ToHexString(sent)} did not come back. The peer {peer.State}.", error);
            }
            var answer = Assert.IsType<IpcPropertyBag>(decoder.Decode(message.Payload));
            Assert.Equal(peer.Id, answer["ProcessId"]);
            Assert.True(Values.Same(value, answer["Value"]), $"{Convert.ToHexString(sent)} changed.");
        }
        to.CompleteSending();
        peer.Finish();
    }

    [Needs("python3")]
    public void Python_sends_a_custom_object_and_reads_one_and_a_line()
    {
        using var pipe = NamedPipe.Create(IpcAddress.Parse($"fifo:{_folder}/pipe"));
        using (var sender = Peer.Start("python3", [PeerScript(), "send", $"{_folder}/pipe", "Name=x", "Count=5000000000", "Share=0.5"]))
        {
            var message = new MessageBuffer();
            Assert.True(pipe.Receive(message, default, Soon()));
            var bag = Assert.IsType<IpcPropertyBag>(new ObjectDecoder().Decode(message.Payload));
            Assert.Equal(["Name", "Count", "Share"], bag.Keys);
            Assert.Equal(["x", 5000000000L, 0.5], bag.Values);
            sender.Finish();
        }
        using var receiver = Peer.Start("python3", [PeerScript(), "receive", $"{_folder}/pipe"]);
        using var writer = NamedPipe.Open(pipe.Address, IpcAccess.Write, wait: Soon());
        writer.Send(new ObjectEncoder().Encode(new object[] { 1, "two", 3.0 }).Span, AsObject, Soon());
        writer.Send("a line"u8, new SendOptions { Format = IpcFormat.Text }, Soon());
        Assert.Equal("[1, 'two', 3.0]", receiver.ReadLine());
        Assert.Equal("a line", receiver.ReadLine());
        writer.Dispose();
        pipe.Dispose();
        receiver.Finish();
    }

    [Needs("python3")]
    public void Garbage_from_here_ends_Python_with_its_own_error()
    {
        using var pipe = NamedPipe.Create(IpcAddress.Parse($"fifo:{_folder}/pipe"));
        using var receiver = Peer.Start("python3", [PeerScript(), "receive", $"{_folder}/pipe"]);
        using var writer = NamedPipe.Open(pipe.Address, IpcAccess.Write, wait: Soon());
        writer.Send([0x9A, 0xFF, 0xFF, 0xFF, 0xFF], AsObject, Soon());
        var message = Assert.Throws<InvalidOperationException>(receiver.Finish).Message;
        Assert.Contains("the count is larger than the number of bytes", message, StringComparison.Ordinal);
    }

    private static Deadline Soon() => Deadline.After(TimeSpan.FromSeconds(60));

    private static string PeerScript()
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!);
        while (!File.Exists(Path.Combine(folder.FullName, "IpcPs.sln"))) folder = folder.Parent!;
        return Path.Combine(folder.FullName, "docs", "examples", "peer.py");
    }
}
