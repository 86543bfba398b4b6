using System.Management.Automation;
using IpcPs.Sockets.Server;

namespace IpcPs.Module;

/// <summary>Turns the library's exceptions into PowerShell's error records. The library says what to do; the command or parameter
/// that does it is added here.</summary>
internal static class ErrorRecords
{
    // EMFILE and ENFILE: open(2).
    private const int TooManyInProcess = 24;
    private const int TooManyInSystem = 23;

    /// <summary>The library's exception. Where the runtime opens a file or a folder, and there is no descriptor for it, that is the
    /// library's error too. Null for every other exception.</summary>
    public static IpcException? OfLibrary(Exception exception) => exception switch
    {
        IpcException known => known,
        IOException { HResult: TooManyInProcess or TooManyInSystem } => IpcException.FromErrno("open", exception.HResult, null),
        _ => null,
    };

    public static ErrorRecord ToRecord(IpcException exception, object? target = null)
    {
        var category = Enum.TryParse<ErrorCategory>(exception.Id.Category.ToString(), out var known) ? known : ErrorCategory.NotSpecified;
        var record = new ErrorRecord(exception, exception.Id.Name, category, target ?? exception.Target);
        if (RecommendedAction(exception) is { } action)
            record.ErrorDetails = new ErrorDetails(exception.Message) { RecommendedAction = action };
        return record;
    }

    /// <summary>What the user can do, with the command that does it; or null.</summary>
    public static string? RecommendedAction(IpcException exception) =>
        Command(exception.Advice) is not { } command ? exception.RecommendedAction
        : exception.RecommendedAction is { } action ? $"{action} {command}"
        : command;

    /// <summary>A warning of the library, with the parameter that concerns it.</summary>
    public static string WithCommand(string warning) =>
        warning.Contains(nameof(SocketListener.AllowedUsers), StringComparison.Ordinal)
            ? $"{warning} New-IpcSocket -AllowUser names them."
            : warning;

    /// <summary>The command or parameter that does what the advice says, or null.</summary>
    internal static string? Command(IpcAdvice advice) => advice switch
    {
        IpcAdvice.CheckAddressForm => "'Get-Help about_IpcPs' lists all kinds.",
        IpcAdvice.CheckAddress => "Get-IpcObject lists what exists.",
        IpcAdvice.CheckPermissions => "Get-IpcObject shows them.",
        IpcAdvice.CheckLimits => "Get-IpcLimit shows them all.",
        IpcAdvice.CheckFeatures => "Test-IpcFeature shows what is missing.",
        IpcAdvice.CheckSignals => "Get-IpcSignal lists the signals, and which of them can be received.",
        IpcAdvice.OpenOrRemove => "Use Open-IpcObject or Remove-IpcObject.",
        IpcAdvice.OpenAgain => "Use Open-IpcObject.",
        IpcAdvice.OpenWithAccess => "Use Open-IpcObject -Access.",
        IpcAdvice.Connect => "Open-IpcObject connects.",
        IpcAdvice.Close => "Use Close-IpcObject.",
        IpcAdvice.RemoveUnused => "Get-IpcObject lists the objects, with the processes that use them.",
        IpcAdvice.RemoveStale => "Get-IpcObject -Stale lists those.",
        IpcAdvice.RemoveAndCreate => "Remove-IpcObject removes it.",
        IpcAdvice.CreateMutex => "Use New-IpcMutex.",
        IpcAdvice.UseRecursiveMutex => "Use Unlock-IpcObject, or New-IpcMutex -Recursive.",
        IpcAdvice.UseUnixSocket => "New-IpcSocket unix:NAME creates one.",
        IpcAdvice.UseSocketType => "In a string, write \"unix:${name}?type=datagram\". New-IpcSocket -Type sets the type.",
        IpcAdvice.UseQueue => "New-IpcQueue creates one: -Kind SysV with message types, -Kind Posix with priorities.",
        IpcAdvice.UseSysVQueue => "New-IpcQueue -Kind SysV creates one.",
        IpcAdvice.UseTypeOrPosixQueue => "Use -Type to send and to receive, or New-IpcQueue -Kind Posix.",
        IpcAdvice.UsePriorityOrSysVQueue => "Use -Priority, or New-IpcQueue -Kind SysV.",
        IpcAdvice.UseDuplexChannel => "Use New-IpcSocket, or New-IpcPipe -Duplex.",
        IpcAdvice.UseRelay => "Join-IpcChannel -AsJob is the relay, and Trace-IpcChannel traces its job.",
        IpcAdvice.UseSharedMemory => "New-IpcSharedMemory creates it.",
        IpcAdvice.SendFile => "Send-IpcMessage -Path sends a file in parts.",
        IpcAdvice.UsePosixMemory => "Use New-IpcSharedMemory -Kind Posix.",
        IpcAdvice.UseFixedMemory => "Use New-IpcSharedMemory without -Name, or with -Kind SysV.",
        IpcAdvice.UseFileOrSparseMemory => "Use New-IpcSharedMemory -Kind File, or -Sparse.",
        IpcAdvice.UseDropOldest => "Use New-IpcRing -Overflow DropOldest.",
        IpcAdvice.SetMaxMessageSize => "New-IpcQueue -MaxMessageSize sets the maximum size.",
        IpcAdvice.SetMaxBytes => "Set-IpcObject -MaxBytes sets how much the queue holds.",
        IpcAdvice.SetCapacity => "New-IpcRing -Capacity sets it.",
        IpcAdvice.SetFormat => "-Format selects the format.",
        IpcAdvice.SendLines => "Use Send-IpcMessage -Format Bytes, or -Delimiter Nul where the receiver expects that.",
        IpcAdvice.ReceiveBytes => "Use Receive-IpcMessage -Format Bytes.",
        IpcAdvice.SetTextEnd => "Use -Count or -NullTerminated; -As Byte reads bytes.",
        IpcAdvice.WaitForLock => "Omit -NoWait, or use -Timeout.",
        IpcAdvice.WaitForReader => "-Timeout waits for it.",
        IpcAdvice.WaitForServer => "Open-IpcObject -Wait waits for it.",
        IpcAdvice.WaitForBacklog => "Use -Timeout, or New-IpcSocket -Backlog.",
        IpcAdvice.ReplyOrConnect => "Send-IpcMessage -ReplyTo replies, Open-IpcObject connects.",
        IpcAdvice.AllowSecret => "Use Start-IpcJob with $using: or -ArgumentList. -AllowUnencryptedSecret sends it anyway.",
        IpcAdvice.PassCredential or IpcAdvice.CheckCredential =>
            "Open-IpcObject and New-IpcQueue have -Credential and -CredentialPath; others use NATS_USER and NATS_PASSWORD, or NATS_CREDS.",
        IpcAdvice.CreateBrokerQueue => "New-IpcQueue -Kind Nats creates it.",
        IpcAdvice.WaitForBroker => "-Timeout waits for it.",
        IpcAdvice.SignalGroup => "Send-IpcSignal -Group sends to a group.",
        _ => null,
    };
}
