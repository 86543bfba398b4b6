using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>Accepts when asked: a unix socket says who connected for as long as it is open.</summary>
internal sealed class InlineAcceptor(NativeSocket listening, AllowedUsers allowed, RejectedClientLog errors) : Acceptor(listening, allowed, errors)
{
    public override SafeDescriptor Readiness => Listening.Descriptor;

    public override ISocketConnection? TryAccept() => AcceptNow();

    public override void Dispose()
    {
    }
}
