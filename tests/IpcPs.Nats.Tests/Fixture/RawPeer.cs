using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace IpcPs.Nats.Tests.Fixture;

/// <summary>A client without a library: NATS's protocol is lines of text on a socket.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly TcpClient _client = new();
    private readonly NetworkStream _stream;
    private int _lastSubscription;

    public RawPeer(NatsServer server)
    {
        _client.Connect("127.0.0.1", server.Port);
        _stream = _client.GetStream();
        _stream.ReadTimeout = 30_000;
        Assert.StartsWith("INFO ", Line(), StringComparison.Ordinal);
        Write("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
        Ping();
    }

    public void Subscribe(string subject)
    {
        Write($"SUB {subject} {++_lastSubscription}\r\n");
        Ping();
    }

    public void Publish(string subject, string body, string? headers = null, string? replyTo = null)
    {
        var size = Encoding.UTF8.GetByteCount(body);
        var reply = replyTo is null ? "" : " " + replyTo;
        if (headers is null)
        {
            Write($"PUB {subject}{reply} {size}\r\n{body}\r\n");
            return;
        }
        var head = $"NATS/1.0\r\n{headers}\r\n\r\n";
        Write($"HPUB {subject}{reply} {head.Length} {head.Length + size}\r\n{head}{body}\r\n");
    }

    /// <summary>Waits until the server has everything that was sent.</summary>
    public void Ping()
    {
        Write("PING\r\n");
        string line;
        do line = Line();
        while (line != "PONG");
    }

    /// <summary>The body of the next message.</summary>
    public string Receive() => ReceiveWithReply().Body;

    /// <summary>The next message, and where its sender waits for a reply.</summary>
    public (string Body, string? ReplyTo) ReceiveWithReply()
    {
        while (true)
        {
            var words = Line().Split(' ');
            if (words[0] is not ("MSG" or "HMSG")) continue;
            var hasHeaders = words[0] == "HMSG";
            var total = int.Parse(words[^1], CultureInfo.InvariantCulture);
            var skip = hasHeaders ? int.Parse(words[^2], CultureInfo.InvariantCulture) : 0;
            var bytes = new byte[total + 2];
            _stream.ReadExactly(bytes);
            var replyTo = words.Length == (hasHeaders ? 6 : 5) ? words[3] : null;
            return (Encoding.UTF8.GetString(bytes, skip, total - skip), replyTo);
        }
    }

    public void Dispose() => _client.Dispose();

    private void Write(string text) => _stream.Write(Encoding.UTF8.GetBytes(text));

    private string Line()
    {
        var line = new List<byte>();
        while (true)
        {
            var next = _stream.ReadByte();
            if (next < 0) throw new EndOfStreamException();
            if (next == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            line.Add((byte)next);
        }
    }
}
