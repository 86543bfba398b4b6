namespace IpcPs.Module.Commands.Queues;

/// <summary>The two families of message queue.</summary>
public enum IpcQueueKind
{
    /// <summary>A POSIX message queue: a name, priorities; mq_overview(7).</summary>
    Posix,
    /// <summary>A System V message queue: a key, message types; sysvipc(7).</summary>
    SysV,
}
