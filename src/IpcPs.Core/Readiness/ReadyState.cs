namespace IpcPs.Readiness;

/// <summary>Why a wait for several objects reports one of them.</summary>
public enum ReadyState
{
    /// <summary>It is not ready.</summary>
    None,

    /// <summary>A message has arrived. On a byte stream these can be the first bytes of one.</summary>
    Message,

    /// <summary>A listener: a client waits to be accepted.</summary>
    Connection,

    /// <summary>A semaphore or mutex can be acquired.</summary>
    Available,

    /// <summary>Shared memory: the number has another value.</summary>
    Changed,

    /// <summary>A signal has arrived.</summary>
    Signal,

    /// <summary>A channel: the peer has closed, and all its messages were received. A process or a job: it has ended.</summary>
    Ended,

    /// <summary>It was closed or removed, or is damaged. The next call reports the reason.</summary>
    Failed,
}

/// <summary>What a wait for several objects asks of those that have more than one thing to wait for. The default is any message, one of
/// the first semaphore, and the number at offset 0.</summary>
public readonly record struct ReadinessOptions
{
    /// <summary>Creates the default.</summary>
    public ReadinessOptions()
    {
    }

    /// <summary>System V queues: which type of message; see <see cref="Messaging.ReceiveOptions.Type"/>.</summary>
    public long? Type { get; init; }

    /// <summary>System V queues: any type except <see cref="Type"/>.</summary>
    public bool ExceptType { get; init; }

    /// <summary>Semaphores: how many, and of which semaphore.</summary>
    public Locks.LockOptions Lock { get; init; } = new();

    /// <summary>Shared memory: the offset of the 32-bit number, a multiple of 4.</summary>
    public long Offset { get; init; }

    /// <summary>Shared memory: waits while the number has this value; null for the value that it has when the wait begins.</summary>
    public int? While { get; init; }
}
