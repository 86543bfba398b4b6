namespace IpcPs.Errors;

/// <summary>What the caller can do about an <see cref="IpcException"/>, as a value. A program with commands of its own names the
/// command or parameter that does it.</summary>
public enum IpcAdvice
{
    /// <summary>No advice beyond <see cref="IpcException.RecommendedAction"/>.</summary>
    None = 0,
    /// <summary>Look up how an address is written.</summary>
    CheckAddressForm,
    /// <summary>Check the address.</summary>
    CheckAddress,
    /// <summary>Check the object's owner and mode.</summary>
    CheckPermissions,
    /// <summary>Look up which kernel limit is reached.</summary>
    CheckLimits,
    /// <summary>Look up what this kernel or container supports.</summary>
    CheckFeatures,
    /// <summary>Look up the signals of this machine, and which can be received.</summary>
    CheckSignals,
    /// <summary>Open the object that exists, or remove it.</summary>
    OpenOrRemove,
    /// <summary>Open it again.</summary>
    OpenAgain,
    /// <summary>Open it with the access that the operation needs.</summary>
    OpenWithAccess,
    /// <summary>Connect to the server instead.</summary>
    Connect,
    /// <summary>Close it.</summary>
    Close,
    /// <summary>Remove objects that no process needs.</summary>
    RemoveUnused,
    /// <summary>Remove stale objects.</summary>
    RemoveStale,
    /// <summary>Remove the damaged object and create a new one.</summary>
    RemoveAndCreate,
    /// <summary>Create the mutex again.</summary>
    CreateMutex,
    /// <summary>Release the mutex first, or create a recursive one.</summary>
    UseRecursiveMutex,
    /// <summary>Use a unix socket.</summary>
    UseUnixSocket,
    /// <summary>Write the type of the unix socket into the address, or pass it on its own.</summary>
    UseSocketType,
    /// <summary>Use a message queue: it has message types or priorities.</summary>
    UseQueue,
    /// <summary>Use a System V queue: it has message types.</summary>
    UseSysVQueue,
    /// <summary>Send with a type, or use a POSIX queue, which has priorities.</summary>
    UseTypeOrPosixQueue,
    /// <summary>Send with a priority, or use a System V queue, which has types.</summary>
    UsePriorityOrSysVQueue,
    /// <summary>Use a channel that carries messages both ways.</summary>
    UseDuplexChannel,
    /// <summary>Put a relay between the two sides.</summary>
    UseRelay,
    /// <summary>Pass the data in shared memory.</summary>
    UseSharedMemory,
    /// <summary>Write the data to a file, and send that in parts.</summary>
    SendFile,
    /// <summary>Use POSIX shared memory, which can be resized.</summary>
    UsePosixMemory,
    /// <summary>Use shared memory of a fixed size: anonymous or System V.</summary>
    UseFixedMemory,
    /// <summary>Use a file, or memory that is allocated when it is used first.</summary>
    UseFileOrSparseMemory,
    /// <summary>Use a broadcast ring that drops the oldest messages.</summary>
    UseDropOldest,
    /// <summary>Create the queue with a larger maximum message size.</summary>
    SetMaxMessageSize,
    /// <summary>Let the queue hold more bytes.</summary>
    SetMaxBytes,
    /// <summary>Create the ring with a larger capacity.</summary>
    SetCapacity,
    /// <summary>Send or receive with another format.</summary>
    SetFormat,
    /// <summary>Send a text of several lines as bytes, or end each text with another delimiter.</summary>
    SendLines,
    /// <summary>Receive with format Bytes to see what the sender sends.</summary>
    ReceiveBytes,
    /// <summary>Say where the text ends, or read bytes.</summary>
    SetTextEnd,
    /// <summary>Wait for the lock.</summary>
    WaitForLock,
    /// <summary>Start the reader first, or wait for it.</summary>
    WaitForReader,
    /// <summary>Start the server first, or wait for it.</summary>
    WaitForServer,
    /// <summary>Wait for the server to accept the connection, or give the listener a larger backlog.</summary>
    WaitForBacklog,
    /// <summary>Reply to a received message, or connect as a client.</summary>
    ReplyOrConnect,
    /// <summary>Send the signal to a process group by its positive number.</summary>
    SignalGroup,
    /// <summary>Pass the user and the password apart from the address.</summary>
    PassCredential,
    /// <summary>Check which user of the broker this is, and what that user may do.</summary>
    CheckCredential,
    /// <summary>Create the queue of the broker, or check its name.</summary>
    CreateBrokerQueue,
    /// <summary>Wait for the broker, or start it.</summary>
    WaitForBroker,
    /// <summary>Allow that the secret is sent unencrypted.</summary>
    AllowSecret,
}

/// <summary>The usual sentences of advice.</summary>
internal static class IpcAdviceText
{
    /// <summary>The sentence for an exception that gives none of its own; null where the advice needs to know more.</summary>
    public static string? Of(IpcAdvice advice) => advice switch
    {
        IpcAdvice.CheckAddressForm => "Look up how an address is written.",
        IpcAdvice.CheckAddress => "Check the address.",
        IpcAdvice.CheckPermissions => "Check the object's owner and mode.",
        IpcAdvice.CheckLimits => "Look up which kernel limit is reached.",
        IpcAdvice.CheckFeatures => "Look up what this kernel or container supports.",
        IpcAdvice.OpenOrRemove => "Open it, or remove it.",
        IpcAdvice.OpenAgain => "Open it again.",
        IpcAdvice.Close => "Close it.",
        IpcAdvice.RemoveAndCreate => "Remove it and create a new one.",
        IpcAdvice.UseUnixSocket => "Use a unix socket.",
        IpcAdvice.UseSocketType => "Set the type of the socket.",
        IpcAdvice.UseQueue => "Use a message queue.",
        IpcAdvice.UseSysVQueue => "Use a System V queue.",
        IpcAdvice.UseSharedMemory => "Pass it in shared memory.",
        IpcAdvice.ReceiveBytes => "Receive with format Bytes to see what the sender sends.",
        IpcAdvice.PassCredential => "Pass them apart from the address.",
        IpcAdvice.CheckCredential => "Check which user this is, and what that user may do.",
        IpcAdvice.CreateBrokerQueue => "Create it, or check the name.",
        IpcAdvice.WaitForBroker => "Start the broker, or wait for it.",
        IpcAdvice.WaitForLock => "Wait for it.",
        IpcAdvice.WaitForServer => "Start its server first, or wait for it.",
        IpcAdvice.WaitForBacklog => "Wait for it, or give the listener a larger backlog.",
        _ => null,
    };
}
