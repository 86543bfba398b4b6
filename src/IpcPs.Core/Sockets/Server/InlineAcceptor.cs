using IpcPs.Interop;

namespace IpcPs.Channels;

/// <summary>Accepts when asked: a unix socket says who connected for as long as it is open.</summary>
internal sealed class DirectSource(KernelSocket listening, AllowedUsers allowed, ClientErrors errors) : ConnectionSource(listening, allowed, errors)
{
    public override SafeDescriptor Readiness => Listening.Descriptor;

    public override ISocketConnection? TryAccept() => AcceptNow();

    public override void Dispose()
    {
    }
}
