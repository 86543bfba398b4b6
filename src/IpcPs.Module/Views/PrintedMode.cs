using IpcPs.Module.Transformation;

namespace IpcPs.Module.Views;

/// <summary>The permissions of an object, for PowerShell: they print as 0600 everywhere. module/IpcPs.Types.ps1xml uses it.</summary>
public static class PrintedMode
{
    /// <summary>Permissions that print as octal digits; null for null.</summary>
    public static IpcMode? Of(UnixFileMode? mode) => mode is { } value ? new IpcMode(value) : null;

    /// <summary>The permissions that a value means, as the parameter -Mode reads it: 640, '0640', 'u=rw,g=r'.</summary>
    public static UnixFileMode From(object? value) => IpcMode.From(Unwrapped.Value(value));
}
