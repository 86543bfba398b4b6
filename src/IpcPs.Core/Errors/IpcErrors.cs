namespace IpcPs.Errors;

/// <summary>Every error id that IpcPs raises. Each is documented in docs/errors.md, which a test compares with this list.</summary>
public static class IpcErrors
{
    /// <summary>The text is not an address, or not one of the wanted kind.</summary>
    public static readonly IpcErrorId InvalidAddress = new("IpcInvalidAddress", IpcErrorCategory.InvalidArgument);

    /// <summary>A name that the mechanism does not allow: empty, <c>..</c>, a NUL, a slash where none may be.</summary>
    public static readonly IpcErrorId InvalidName = new("IpcInvalidName", IpcErrorCategory.InvalidArgument);

    /// <summary>A name longer than the kernel keeps.</summary>
    public static readonly IpcErrorId NameTooLong = new("IpcNameTooLong", IpcErrorCategory.InvalidArgument);

    /// <summary>An argument out of its range.</summary>
    public static readonly IpcErrorId InvalidArgument = new("IpcInvalidArgument", IpcErrorCategory.InvalidArgument);

    /// <summary>An offset, or a number of bytes, that is not within the shared memory; an index that is not within the semaphore set.</summary>
    public static readonly IpcErrorId OutOfRange = new("IpcOutOfRange", IpcErrorCategory.InvalidArgument);

    /// <summary>No object at that address.</summary>
    public static readonly IpcErrorId NotFound = new("IpcNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>An object is there already.</summary>
    public static readonly IpcErrorId AlreadyExists = new("IpcAlreadyExists", IpcErrorCategory.ResourceExists);

    /// <summary>The kernel refuses this user.</summary>
    public static readonly IpcErrorId AccessDenied = new("IpcAccessDenied", IpcErrorCategory.PermissionDenied);

    /// <summary>The object at that address is of another kind than the address says.</summary>
    public static readonly IpcErrorId WrongKind = new("IpcWrongKind", IpcErrorCategory.InvalidOperation);

    /// <summary>The object does not do this: receiving from a write end, a mode on an anonymous pipe.</summary>
    public static readonly IpcErrorId NotSupported = new("IpcNotSupported", IpcErrorCategory.InvalidOperation);

    /// <summary>This platform, kernel or container lacks the mechanism.</summary>
    public static readonly IpcErrorId PlatformNotSupported = new("IpcPlatformNotSupported", IpcErrorCategory.NotImplemented);

    /// <summary>A deadline passed.</summary>
    public static readonly IpcErrorId Timeout = new("IpcTimeout", IpcErrorCategory.OperationTimeout);

    /// <summary>The caller does not wait, and there is nothing to receive.</summary>
    public static readonly IpcErrorId Empty = new("IpcEmpty", IpcErrorCategory.ResourceBusy);

    /// <summary>The caller does not wait, and the pipe, socket or ring has no buffer space.</summary>
    public static readonly IpcErrorId Full = new("IpcFull", IpcErrorCategory.ResourceBusy);

    /// <summary>The caller does not wait, and the lock has a holder, or the semaphore's count is too low.</summary>
    public static readonly IpcErrorId Locked = new("IpcLocked", IpcErrorCategory.ResourceBusy);

    /// <summary>The caller does not wait, and the message queue is full.</summary>
    public static readonly IpcErrorId QueueFull = new("IpcQueueFull", IpcErrorCategory.ResourceBusy);

    /// <summary>The last reader, or the connection, is gone: what is sent would reach nobody.</summary>
    public static readonly IpcErrorId PeerClosed = new("IpcPeerClosed", IpcErrorCategory.ConnectionError);

    /// <summary>Nobody has the other end open, and the caller did not want to wait for it.</summary>
    public static readonly IpcErrorId NoPeer = new("IpcNoPeer", IpcErrorCategory.ConnectionError);

    /// <summary>The object is not in a state that allows this.</summary>
    public static readonly IpcErrorId InvalidOperation = new("IpcInvalidOperation", IpcErrorCategory.InvalidOperation);

    /// <summary>This end was closed by its owner.</summary>
    public static readonly IpcErrorId Closed = new("IpcClosed", IpcErrorCategory.InvalidOperation);

    /// <summary>The object was removed while it was used.</summary>
    public static readonly IpcErrorId Removed = new("IpcRemoved", IpcErrorCategory.ConnectionError);

    /// <summary>A message larger than the mechanism, or the limit that was set, allows.</summary>
    public static readonly IpcErrorId MessageTooLarge = new("IpcMessageTooLarge", IpcErrorCategory.LimitsExceeded);

    /// <summary>Bytes that claim to be an IpcPs envelope, or a CBOR value, and are not.</summary>
    public static readonly IpcErrorId InvalidData = new("IpcInvalidData", IpcErrorCategory.InvalidData);

    /// <summary>The other side went away in the middle of a message.</summary>
    public static readonly IpcErrorId TruncatedMessage = new("IpcTruncatedMessage", IpcErrorCategory.InvalidData);

    /// <summary>A message in another format than the one asked for.</summary>
    public static readonly IpcErrorId FormatMismatch = new("IpcFormatMismatch", IpcErrorCategory.InvalidData);

    /// <summary>A kernel limit was reached; the text names it and what raises it.</summary>
    public static readonly IpcErrorId LimitReached = new("IpcLimitReached", IpcErrorCategory.LimitsExceeded);

    /// <summary>The text is not a signal of this machine.</summary>
    public static readonly IpcErrorId InvalidSignal = new("IpcInvalidSignal", IpcErrorCategory.InvalidArgument);

    /// <summary>A signal that this process cannot receive; the text says why.</summary>
    public static readonly IpcErrorId SignalRefused = new("IpcSignalRefused", IpcErrorCategory.InvalidArgument);

    /// <summary>The receiver's user has RLIMIT_SIGPENDING signals queued.</summary>
    public static readonly IpcErrorId SignalQueueFull = new("IpcSignalQueueFull", IpcErrorCategory.LimitsExceeded);

    /// <summary>No process of that number, or it has ended, or the number means another one by now.</summary>
    public static readonly IpcErrorId ProcessNotFound = new("IpcProcessNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>A process that is not sent signals unless it is asked for in so many words: 1, 0 and negative numbers.</summary>
    public static readonly IpcErrorId ProcessRefused = new("IpcProcessRefused", IpcErrorCategory.InvalidArgument);

    /// <summary>A job's process ended before its script did, or a stage of a pipeline of jobs failed.</summary>
    public static readonly IpcErrorId JobFailed = new("IpcJobFailed", IpcErrorCategory.OperationStopped);

    /// <summary>A system call failed for a reason that has no id of its own; the text has call and errno.</summary>
    public static readonly IpcErrorId SystemError = new("IpcSystemError", IpcErrorCategory.NotSpecified);
}
