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

    /// <summary>An offset or a number of bytes outside the shared memory; an index outside the semaphore set.</summary>
    public static readonly IpcErrorId OutOfRange = new("IpcOutOfRange", IpcErrorCategory.InvalidArgument);

    /// <summary>No object at that address.</summary>
    public static readonly IpcErrorId NotFound = new("IpcNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>An object exists at that address already.</summary>
    public static readonly IpcErrorId AlreadyExists = new("IpcAlreadyExists", IpcErrorCategory.ResourceExists);

    /// <summary>The kernel refuses this user.</summary>
    public static readonly IpcErrorId AccessDenied = new("IpcAccessDenied", IpcErrorCategory.PermissionDenied);

    /// <summary>The object at that address is not of the kind that the address says.</summary>
    public static readonly IpcErrorId WrongKind = new("IpcWrongKind", IpcErrorCategory.InvalidOperation);

    /// <summary>The object can't do this: receiving from a write end, setting a mode on an anonymous pipe.</summary>
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

    /// <summary>The last reader, or the connection, is gone: a message would not reach any process.</summary>
    public static readonly IpcErrorId PeerClosed = new("IpcPeerClosed", IpcErrorCategory.ConnectionError);

    /// <summary>No process has the other end open, and the caller does not wait for it.</summary>
    public static readonly IpcErrorId NoPeer = new("IpcNoPeer", IpcErrorCategory.ConnectionError);

    /// <summary>A message was sent to a broker, which did not confirm in time that it has it: it may be stored, or not.</summary>
    public static readonly IpcErrorId NotConfirmed = new("IpcNotConfirmed", IpcErrorCategory.OperationTimeout);

    /// <summary>The object is not in a state that allows this.</summary>
    public static readonly IpcErrorId InvalidOperation = new("IpcInvalidOperation", IpcErrorCategory.InvalidOperation);

    /// <summary>This process closed its end.</summary>
    public static readonly IpcErrorId Closed = new("IpcClosed", IpcErrorCategory.InvalidOperation);

    /// <summary>The object was removed while it was used.</summary>
    public static readonly IpcErrorId Removed = new("IpcRemoved", IpcErrorCategory.ConnectionError);

    /// <summary>A message is larger than the mechanism, or a limit that was set, allows.</summary>
    public static readonly IpcErrorId MessageTooLarge = new("IpcMessageTooLarge", IpcErrorCategory.LimitsExceeded);

    /// <summary>Bytes are marked as an IpcPs envelope or a CBOR value, but are not valid.</summary>
    public static readonly IpcErrorId InvalidData = new("IpcInvalidData", IpcErrorCategory.InvalidData);

    /// <summary>The other side was closed in the middle of a message.</summary>
    public static readonly IpcErrorId TruncatedMessage = new("IpcTruncatedMessage", IpcErrorCategory.InvalidData);

    /// <summary>A message has another format than the requested one.</summary>
    public static readonly IpcErrorId FormatMismatch = new("IpcFormatMismatch", IpcErrorCategory.InvalidData);

    /// <summary>A value contains a SecureString or a credential, and the channel is not one of a job's own pipes.</summary>
    public static readonly IpcErrorId SecretRefused = new("IpcSecretRefused", IpcErrorCategory.InvalidArgument);

    /// <summary>A kernel limit was reached; the text names the limit and how to raise it.</summary>
    public static readonly IpcErrorId LimitReached = new("IpcLimitReached", IpcErrorCategory.LimitsExceeded);

    /// <summary>The text is not a signal of this machine.</summary>
    public static readonly IpcErrorId InvalidSignal = new("IpcInvalidSignal", IpcErrorCategory.InvalidArgument);

    /// <summary>A signal that this process cannot receive; the text says why.</summary>
    public static readonly IpcErrorId SignalRefused = new("IpcSignalRefused", IpcErrorCategory.InvalidArgument);

    /// <summary>The receiver's user has RLIMIT_SIGPENDING signals queued.</summary>
    public static readonly IpcErrorId SignalQueueFull = new("IpcSignalQueueFull", IpcErrorCategory.LimitsExceeded);

    /// <summary>No process has that id, or it has ended, or the id belongs to another process now.</summary>
    public static readonly IpcErrorId ProcessNotFound = new("IpcProcessNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>A process id that needs an explicit request before it is sent a signal: 1, 0 and negative numbers.</summary>
    public static readonly IpcErrorId ProcessRefused = new("IpcProcessRefused", IpcErrorCategory.InvalidArgument);

    /// <summary>A job's process ended before its script did, a stage of a pipeline of jobs failed, or the children of a pool
    /// cannot start.</summary>
    public static readonly IpcErrorId JobFailed = new("IpcJobFailed", IpcErrorCategory.OperationStopped);

    /// <summary>The process of a worker ended while it worked on an item.</summary>
    public static readonly IpcErrorId WorkerDied = new("IpcWorkerDied", IpcErrorCategory.OperationStopped);

    /// <summary>ssh finds no host of that name.</summary>
    public static readonly IpcErrorId HostNotFound = new("IpcHostNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>ssh does not know the key of the host, or another one.</summary>
    public static readonly IpcErrorId HostNotTrusted = new("IpcHostNotTrusted", IpcErrorCategory.PermissionDenied);

    /// <summary>The host refuses the user's keys.</summary>
    public static readonly IpcErrorId LoginRefused = new("IpcLoginRefused", IpcErrorCategory.PermissionDenied);

    /// <summary>ssh could not connect to the host for another reason; the text has ssh's own words.</summary>
    public static readonly IpcErrorId ConnectionFailed = new("IpcConnectionFailed", IpcErrorCategory.ConnectionError);

    /// <summary>The connection to a job's host was cut.</summary>
    public static readonly IpcErrorId ConnectionLost = new("IpcConnectionLost", IpcErrorCategory.ConnectionError);

    /// <summary>sshd does not forward Unix sockets.</summary>
    public static readonly IpcErrorId ForwardingRefused = new("IpcForwardingRefused", IpcErrorCategory.PermissionDenied);

    /// <summary>The host has no pwsh.</summary>
    public static readonly IpcErrorId PowerShellNotFound = new("IpcPowerShellNotFound", IpcErrorCategory.ObjectNotFound);

    /// <summary>The pwsh of the host is older than a job needs.</summary>
    public static readonly IpcErrorId PowerShellTooOld = new("IpcPowerShellTooOld", IpcErrorCategory.NotImplemented);

    /// <summary>The module could not be copied to the host; the text has the host's own words.</summary>
    public static readonly IpcErrorId ModuleNotCopied = new("IpcModuleNotCopied", IpcErrorCategory.WriteError);

    /// <summary>A system call failed for a reason that has no id of its own; the text has the call and the errno.</summary>
    public static readonly IpcErrorId SystemError = new("IpcSystemError", IpcErrorCategory.NotSpecified);
}

/// <summary>One kind of failure: an id and a category. All ids are the static members of <see cref="IpcErrors"/>.</summary>
/// <param name="Name">The id, <c>Ipc…</c>. Scripts test for it (<c>$_.FullyQualifiedErrorId</c>), so it never changes.</param>
/// <param name="Category">The category that PowerShell shows.</param>
public sealed record IpcErrorId(string Name, IpcErrorCategory Category)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}
