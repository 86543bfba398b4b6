using IpcPs.Messaging;
using IpcPs.Sockets.Native;

namespace IpcPs.Sockets.Server;

/// <summary>The members of a connection that its listener uses, for byte streams and for packets.</summary>
internal interface ISocketConnection
{
    NativeSocket Socket { get; }

    IpcChannel Channel { get; }

    /// <summary>The listener's record of the connection; null when no listener receives from it.</summary>
    AcceptedClient? Client { get; set; }

    /// <summary>Whether another receive may find a message. When false, the next poll reports it soon enough.</summary>
    bool MayHaveMore { get; }

    /// <summary>Receives a message if one has arrived. Never blocks.</summary>
    ReceiveOutcome TryReceive(MessageBuffer message, in ReceiveOptions options);

    /// <summary>Whether a thread is sending at this moment.</summary>
    bool IsSending { get; }

    /// <summary>Set when the listener closed the connection because its client had closed it.</summary>
    bool WasClosedByClient { get; set; }

    /// <summary>Releases buffers that are empty.</summary>
    void Trim();
}

/// <summary>A listener's record of a connection that it receives from.</summary>
internal sealed class AcceptedClient(ISocketConnection connection, SocketListener listener)
{
    public ISocketConnection Connection { get; } = connection;

    /// <summary>Its index in the <see cref="ClientPoller"/>; -1 when it is not in there.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Whether it waits for its turn.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Requests that it sent and that have no reply yet.</summary>
    public int Unanswered;

    /// <summary>Its other messages that the program has as an IpcMessage, and has not answered.</summary>
    private int _messages;

    /// <summary>Whether the program has taken the channel of another message, and has sent nothing since.</summary>
    private volatile bool _channelWasTaken;

    /// <summary>Whether it has ended sending and only waits for answers.</summary>
    public volatile bool HasEnded;

    /// <summary>Whether no answer is awaited.</summary>
    public bool IsAnswered => Volatile.Read(ref Unanswered) <= 0 && Volatile.Read(ref _messages) <= 0 && !_channelWasTaken;

    /// <summary>The thread that sent the last answer; 0 before the first.</summary>
    public int AnsweringThread { get; private set; }

    /// <summary>When the last answer was sent (<see cref="Environment.TickCount64"/>).</summary>
    public long AnsweredAt { get; private set; }

    /// <inheritdoc cref="IpcChannel.ExpectAnswer"/>
    public void ExpectAnswer(bool toMessage)
    {
        if (toMessage) Interlocked.Increment(ref _messages);
        else _channelWasTaken = true;
    }

    /// <summary>Called after something was sent that is not the reply to a request.</summary>
    public void OnAnswer()
    {
        _channelWasTaken = false;
        AnsweredAt = Environment.TickCount64;
        AnsweringThread = Environment.CurrentManagedThreadId;
    }

    /// <inheritdoc cref="IpcChannel.CompleteAnswer"/>
    public void CompleteAnswer()
    {
        Interlocked.Decrement(ref _messages);
        listener.OnSent(this, 0);
    }

    /// <summary>Called after something was sent to the client.</summary>
    /// <param name="replies">How many replies to requests that was.</param>
    public void OnSent(int replies) => listener.OnSent(this, replies);

    /// <summary>Called when the program receives from the connection itself, or closes it: the listener stops receiving from it.</summary>
    public void Detach() => listener.Detach(this);
}
