using IpcPs.Messaging;

namespace IpcPs.Queues;

/// <content>Looking at the messages that wait, without receiving them.</content>
public sealed partial class SysVQueue
{
    /// <summary>Copies the message at a position of the queue (MSG_COPY).</summary>
    /// <returns>False if the queue has no such message.</returns>
    internal bool TryCopyAt(MessageBuffer message, int position)
    {
        message.Clear();
        return TryCopy(message, position);
    }

    /// <summary>What changes when a message comes or goes; and who sent last.</summary>
    internal (ulong Messages, ulong Bytes, long Sent, long Received, int Sender, int Receiver) TraceState()
    {
        var status = Status();
        return (status.CurrentMessages, status.CurrentBytes, status.SendTime, status.ReceiveTime, status.LastSender, status.LastReceiver);
    }
}
