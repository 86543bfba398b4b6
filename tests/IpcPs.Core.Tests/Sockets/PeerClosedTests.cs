using System.Net.Sockets;
using IpcPs.Sockets;
using Xunit;

namespace IpcPs.Tests.Sockets;

public sealed class PeerClosedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-closed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_peer_that_closes_in_the_middle_of_a_message_stays_the_reason_for_later_sends()
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        server.Bind(new UnixDomainSocketEndPoint($"{_folder}/s"));
        server.Listen();
        using var client = IpcSocket.Connect(IpcAddress.Parse($"unix:{_folder}/s"));
        var closing = new Thread(() =>
        {
            using var accepted = server.Accept();
            // A part of the message is there. It is larger than the buffers, so the client is still sending.
            accepted.Receive(new byte[1]);
        });
        closing.Start();
        for (var i = 0; i < 2; i++)
        {
            var error = Assert.Throws<IpcException>(() => client.Send(
                new byte[8 * 1024 * 1024], new SendOptions { Format = IpcFormat.Object }, Deadline.After(TimeSpan.FromSeconds(60))));
            Assert.Equal(IpcErrors.PeerClosed, error.Id);
        }
        closing.Join();
    }
}
