namespace IpcPs.Messaging.Requests;

/// <summary>How a channel receives that may have requests under way.</summary>
internal static class RoutedReceive
{
    /// <summary>Receives what is no reply that another call waits for.</summary>
    public static bool Receive(IpcChannel channel, MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        // Bytes are cut where a read ended: there is nothing in them that could be told apart.
        if (channel.Router is null || (options.Format == IpcFormat.Bytes && channel.IsByteStream))
        {
            if (!channel.ReceiveDirect(message, options, wait)) return false;
            if (!message.IsReply || channel.Router is not { } began) return true;
            // The first request was made while this call was waiting already.
            began.Deliver(message);
        }
        return channel.Router!.Receive(message, options, wait);
    }
}
