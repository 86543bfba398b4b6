using IpcPs.Messaging;

namespace IpcPs.Relays;

/// <summary>A direction that sees messages.</summary>
internal sealed class MessageDirection(IpcRelay relay, IpcChannel source, IpcChannel target, bool isBack)
    : RelayDirection(relay, source, target, isBack)
{
    private protected override RelayEnd Move() => new MessagePump(this).Move();
}
