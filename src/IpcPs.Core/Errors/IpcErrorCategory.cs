namespace IpcPs.Errors;

/// <summary>What kind of failure an <see cref="IpcException"/> reports. The names are those of PowerShell's
/// <c>System.Management.Automation.ErrorCategory</c>, so the module maps them by name and this library does not depend on
/// PowerShell.</summary>
public enum IpcErrorCategory
{
    /// <summary>Nothing more fitting is known.</summary>
    NotSpecified = 0,
    /// <summary>An object could not be closed.</summary>
    CloseError,
    /// <summary>The connection or its other side is gone.</summary>
    ConnectionError,
    /// <summary>An argument is not acceptable.</summary>
    InvalidArgument,
    /// <summary>Bytes that are not valid in their format.</summary>
    InvalidData,
    /// <summary>The object is not in a state that allows the operation.</summary>
    InvalidOperation,
    /// <summary>A limit of the kernel or of IpcPs was reached.</summary>
    LimitsExceeded,
    /// <summary>This platform or kernel lacks the mechanism.</summary>
    NotImplemented,
    /// <summary>Nothing exists at that address.</summary>
    ObjectNotFound,
    /// <summary>A deadline passed.</summary>
    OperationTimeout,
    /// <summary>The caller was cancelled.</summary>
    OperationStopped,
    /// <summary>The kernel denies this user access.</summary>
    PermissionDenied,
    /// <summary>The resource is in use, or full, right now.</summary>
    ResourceBusy,
    /// <summary>Something already exists at that address.</summary>
    ResourceExists,
    /// <summary>The kernel has no resources left for it.</summary>
    ResourceUnavailable,
    /// <summary>Reading failed.</summary>
    ReadError,
    /// <summary>Writing failed.</summary>
    WriteError,
}
