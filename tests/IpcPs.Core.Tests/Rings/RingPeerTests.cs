using System.Text;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Rings;

/// <summary>A participant in C that was written after docs/wire-format.md.</summary>
public sealed class RingPeerTests : IDisposable
{
    private static readonly string Source = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "examples", "ring-peer.c"));

    private readonly IpcAddress _address = IpcAddress.Parse($"ring:/peer-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(RingFile.PathOf(_address));

    [Needs("gcc")]
    public void C_receives_what_we_send_until_the_end()
    {
        using var ring = MessageRing.Create(_address, new RingOptions { Capacity = 64 * 1024 });
        using var peer = Peer.StartC(Source, "read", _address.Name!);
        var received = Task.Run(peer.Finish);
        for (var i = 0; i < 20_000; i++) ring.Send(Encoding.UTF8.GetBytes(Line(i)));
        ring.CompleteSending();
        Assert.Equal(string.Join('\n', Enumerable.Range(0, 20_000).Select(Line)), received.GetAwaiter().GetResult());
    }

    [Needs("gcc")]
    public void We_receive_what_C_sends_until_it_leaves()
    {
        using var ring = MessageRing.Create(_address, new RingOptions { Capacity = 64 * 1024 });
        using var peer = Peer.StartC(Source, "write", _address.Name!);
        var feed = Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++) peer.Input.Write(Line(i) + "\n");
            peer.Input.Close();
        });
        var message = new MessageBuffer();
        for (var i = 0; i < 20_000; i++)
        {
            Assert.True(ring.Receive(message));
            Assert.Equal(Line(i), Encoding.UTF8.GetString(message.Payload.Span));
        }
        Assert.False(ring.Receive(message));
        feed.GetAwaiter().GetResult();
        Assert.Equal("", peer.Finish());
    }

    [Needs("gcc")]
    public void The_last_one_out_deletes_the_file_also_when_it_is_C()
    {
        var ring = MessageRing.Create(_address);
        using var peer = Peer.StartC(Source, "read", _address.Name!);
        ring.Send("x"u8);
        while (ring.PendingBytes > 0) Thread.Yield();
        ring.Dispose();
        Assert.Equal("x", peer.Finish());
        Assert.False(File.Exists(RingFile.PathOf(_address)));
    }

    private static string Line(int number) => $"{number} " + new string('x', number % 300);
}
