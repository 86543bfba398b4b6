using IpcPs.Messaging;

namespace IpcPs.Relays;

/// <summary>Sees what a relay moves, on the relay's threads. While there is one, byte streams are copied instead of spliced.</summary>
internal interface IRelayObserver
{
    /// <summary>A message was sent on.</summary>
    void OnMessage(RelayDirection direction, MessageBuffer message);

    /// <summary>Bytes of a stream were sent on.</summary>
    void OnBytes(RelayDirection direction, ReadOnlySpan<byte> bytes);
}
