using IpcPs.Nats.Connections;

namespace IpcPs.Nats;

/// <summary>A channel that a NATS server carries.</summary>
public abstract class NatsChannel : IpcChannel
{
    private readonly IpcAccess _access;
    private readonly bool _ownsServer;

    private protected NatsChannel(IpcAddress address, Server server, IpcAccess access, bool ownsServer)
        : base(address, receivesOneByOne: true)
    {
        (Server, _ownsServer) = (server, ownsServer);
        _access = access == IpcAccess.Default ? IpcAccess.ReadWrite : access;
    }

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && _access.HasFlag(IpcAccess.Write);

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && _access.HasFlag(IpcAccess.Read);

    /// <inheritdoc/>
    public override bool IsByteStream => false;

    /// <inheritdoc/>
    public override bool ConfirmsLater => true;

    /// <summary>The largest message in bytes: the server's max_payload.</summary>
    public override long MaxMessageSize => Server.MaxPayload ?? 1024 * 1024;

    /// <summary>The server, <c>HOST:PORT</c>.</summary>
    public string ServerAddress => Server.Shown;

    /// <summary>Whether the connection to the server is open now.</summary>
    public bool IsConnected => !IsClosed && Server.IsConnected;

    internal Server Server { get; }

    private protected void CheckSend(ReadOnlySpan<byte> payload, in SendOptions options)
    {
        RequireSend();
        ThrowIfClosed();
        if (options.Type != 0 || options.Priority is not null)
        {
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' ({Kind}) has no message types and priorities.", Address.Text)
            { Advice = IpcAdvice.UseQueue };
        }
        if (options.Handles is not null)
        {
            throw new IpcException(IpcErrors.NotSupported, $"'{Address}' does not carry descriptors: only unix sockets do.", Address.Text)
            { Advice = IpcAdvice.UseUnixSocket };
        }
        if (payload.Length > MaxMessageSize) throw TooLarge(payload.Length);
    }

    /// <summary>The exception for a message that is larger than the server takes.</summary>
    internal IpcException TooLarge(int size, Exception? inner = null)
    {
        var limit = MaxMessageSize;
        // The headers count too.
        var what = size > limit ? $"A message of {size} bytes" : $"A message of {size} bytes and its headers";
        var isOfQueue = limit < Server.MaxPayload;
        var who = isOfQueue ? $"the queue '{Address}'" : $"the server {Server.Shown}";
        var text = $"{what} is larger than the {limit} bytes that {who} takes.";
        const string smaller = "Send it in parts, or write it to a file and send its path.";
        return isOfQueue
            ? new(IpcErrors.MessageTooLarge, text, Address.Text, smaller, inner) { Advice = IpcAdvice.SetMaxMessageSize }
            : new(IpcErrors.MessageTooLarge, text, Address.Text, smaller + " Or raise max_payload in the server's configuration.", inner);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _ownsServer) Server.Release();
    }
}
