using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <summary>What came along with a message besides its bytes.</summary>
internal struct ControlData
{
    /// <summary>Descriptors, owned by whoever has this; null for none.</summary>
    public List<SafeDescriptor>? Handles;

    /// <summary>Who sent it, where the socket asks for that.</summary>
    public Libc.Credentials? Sender;

    /// <summary>Whether descriptors were lost because this process may have no more.</summary>
    public bool LostHandles;

    /// <summary>Hands it to a message.</summary>
    public readonly void Describe(MessageBuffer message)
    {
        message.Handles = Handles;
        message.LostHandles = LostHandles;
        if (Sender is not { } sender) return;
        // A process that this one's pid namespace does not know is 0.
        message.SenderId = sender.ProcessId > 0 ? sender.ProcessId : null;
        message.SenderUserId = sender.UserId;
    }
}
