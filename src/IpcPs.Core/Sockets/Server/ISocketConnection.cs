using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>What a listener needs of its clients' connections, be they byte streams or packets.</summary>
internal interface ISocketConnection
{
    NativeSocket Socket { get; }

    /// <summary>The connection as the channel that it is.</summary>
    IpcChannel Channel { get; }

    /// <summary>The listener that receives from it, and what that knows of it; null for a connection that stands alone.</summary>
    ListenerRegistration? Link { get; set; }

    /// <summary>Whether it is worth while to try another receive: false where the next poll says so soon enough.</summary>
    bool MayHaveMore { get; }

    /// <summary>Takes a message if one has arrived; never waits.</summary>
    ReceiveOutcome TryReceive(MessageBuffer message, in ReceiveOptions options);

    /// <summary>Gives back buffers that are empty.</summary>
    void Trim();
}
