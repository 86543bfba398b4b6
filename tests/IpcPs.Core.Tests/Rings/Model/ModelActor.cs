using IpcPs.Rings.Algorithm;

namespace IpcPs.Tests.Rings.Model;

internal enum ActorStatus
{
    Ready,
    Sleeping,
    Finished,
    Dead,
}

/// <summary>One participant: a writer that sends its messages and closes, or a reader that receives until the end. Its state
/// within an operation is the list of the results of the steps since the operation began: running the operation again with these results
/// leads to the same state.</summary>
internal sealed class ModelActor
{
    public required uint Token { get; init; }
    public required bool IsWriter { get; init; }
    public required int Messages { get; init; }
    public RingWriter<ModelMemory> Writer { get; set; }
    public RingReader<ModelMemory> Reader { get; set; }
    public ActorStatus Status { get; set; }
    public bool IsAttached { get; set; } = true;
    public int SleepsOn { get; set; } = -1;

    /// <summary>Operations that are done.</summary>
    public int Done { get; set; }

    /// <summary>Results of the current operation's steps.</summary>
    public List<long> Results { get; private init; } = [];

    /// <summary>Stores that the other processors do not see yet.</summary>
    public List<(int At, long Value)> Buffer { get; private init; } = [];

    /// <summary>How many of these are of operations that are over.</summary>
    public int Settled { get; set; }

    /// <summary>Stores that the current operation has made.</summary>
    public int Stores { get; set; }

    /// <summary>Messages received, or sent.</summary>
    public List<long> Log { get; private init; } = [];

    /// <summary>How many lost messages the ring reported to a reader of a broadcast.</summary>
    public long Lost { get; set; }

    /// <summary>Whether a send reported to a writer that all readers are gone.</summary>
    public bool GaveUp { get; set; }

    public long MessageInHand => (Token * 100) + Done;

    public ModelActor Copy() => new()
    {
        Token = Token,
        IsWriter = IsWriter,
        Messages = Messages,
        Writer = Writer,
        Reader = Reader,
        Status = Status,
        IsAttached = IsAttached,
        SleepsOn = SleepsOn,
        Done = Done,
        Results = [.. Results],
        Buffer = [.. Buffer],
        Log = [.. Log],
        Lost = Lost,
        GaveUp = GaveUp,
        Stores = Stores,
        Settled = Settled,
    };
}
