using IpcPs.Module.Serialization;
using IpcPs.Relays;

namespace IpcPs.Module.Commands.Relays;

/// <summary>Converts the messages of a relay as Receive-IpcMessage and Send-IpcMessage would, one after the other.</summary>
internal static class RelayConversions
{
    public static RelayConversion To(IpcFormat format)
    {
        var decoder = new MessageDecoder();
        // What arrived as a message is plain data: no property of it is script. A secret in it was sent on purpose.
        var encoder = new MessageEncoder(format, allowSecrets: true);
        return (message, from, cancellation) =>
            encoder.Encode(decoder.Decode(message, message.Format == IpcFormat.Object ? IpcFormat.Auto : from, cancellation), cancellation);
    }
}
