using System.Management.Automation;
using System.Reflection;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Views;

/// <summary>The permissions of an object, for PowerShell: still a <see cref="UnixFileMode"/>, which prints as 0600 in every table and
/// list. module/IpcPs.Types.ps1xml uses it.</summary>
public static class PrintedMode
{
    private static readonly MethodInfo Text = typeof(PrintedMode).GetMethod(nameof(ToText))!;

    /// <summary>Permissions that print as octal digits; null for null.</summary>
    public static PSObject? Of(UnixFileMode? mode)
    {
        if (mode is not { } value) return null;
        var printed = new PSObject(value);
        printed.Methods.Add(new PSCodeMethod(nameof(ToString), Text));
        return printed;
    }

    /// <summary>The permissions that a value means, as the parameter -Mode reads it: 640, '0640', 'u=rw,g=r'.</summary>
    public static UnixFileMode From(object? value) => IpcMode.From(value is PSObject wrapped ? wrapped.BaseObject : value).Value;

    /// <summary>The octal digits.</summary>
    public static string ToText(PSObject mode)
    {
        ArgumentNullException.ThrowIfNull(mode);
        return new IpcMode((UnixFileMode)mode.BaseObject).ToString();
    }
}
