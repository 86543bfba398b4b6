using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a parameter of type <see cref="ProcessReference"/> take process ids, Process objects (also deserialized ones), jobs with a process of their own, and names with
/// wildcards.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ProcessTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = Unwrap(inputData);
        return value is IList list ? list.Cast<object?>().Select(static o => One(Unwrap(o))).ToArray() : new[] { One(value) };
    }

    private static object? Unwrap(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;

    private static ProcessReference One(object? value)
    {
        switch (value)
        {
            case ProcessReference reference:
                return reference;
            case Process process:
                return OfProcess(process);
            case string text:
                return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id) ? new ProcessReference(id)
                    : text.Length > 0 ? new ProcessReference(text) : throw Wrong("an empty text");
            case int or long or uint or ulong or short or ushort or byte or sbyte or double or decimal:
                return new ProcessReference(ToId(value));
        }
        var properties = PSObject.AsPSObject(value ?? throw Wrong("null")).Properties;
        if (properties["ProcessId"]?.Value is { } processId) return new ProcessReference(ToId(processId));
        // A job's Id counts the session's jobs: taken for a process id it would hit anything.
        if (value is Job) throw Wrong("a job without a process of its own (it has no ProcessId)");
        if (properties["Id"]?.Value is { } number && properties["ProcessName"] is not null) return new ProcessReference(ToId(number), properties["StartTime"]?.Value as DateTime?);
        throw Wrong($"a {value.GetType().Name}");
    }

    private static ProcessReference OfProcess(Process process)
    {
        try
        {
            // Of one of our own children that has ended .NET knows, also when its number means another process by now.
            return process.HasExited ? new ProcessReference(process.Id, hasEnded: true) : new ProcessReference(process.Id, process.StartTime);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // Ended just now, or never started: the number alone then, and the kernel says what is wrong with it.
            return new ProcessReference(SafeId(process));
        }
    }

    private static int SafeId(Process process)
    {
        try
        {
            return process.Id;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("a Process object that no process belongs to");
        }
    }

    private static int ToId(object value)
    {
        try
        {
            return Convert.ToInt32(Unwrap(value), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is OverflowException or FormatException or InvalidCastException)
        {
            throw Wrong($"'{value}'");
        }
    }

    private static ArgumentTransformationMetadataException Wrong(string what) =>
        new($"A process id, a process's name (wildcards allowed), a Process object or a job with a process of its own is needed here, and {what} is none of these.");
}
