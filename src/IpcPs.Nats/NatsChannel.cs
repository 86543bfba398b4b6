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
        if (payload.Length > MaxMessageSize)
        {
            throw new IpcException(IpcErrors.MessageTooLarge,
                $"A message of {payload.Length} bytes is larger than the {MaxMessageSize} that the server {Server.Shown} takes.",
                Address.Text, "Send it in parts, or raise max_payload in the server's configuration.");
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _ownsServer) Server.Release();
    }
}
