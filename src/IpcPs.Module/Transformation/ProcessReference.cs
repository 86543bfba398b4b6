using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Processes;

namespace IpcPs.Module.Transformation;

/// <summary>The argument of a parameter that accepts processes: a process id, an object that has one, or a name with or without
/// wildcards.</summary>
[TypeConverter(typeof(ProcessReferenceConverter))]
public sealed class ProcessReference
{
    internal ProcessReference(int id, DateTime? startTime = null, bool hasEnded = false)
    {
        Id = id;
        StartTime = startTime;
        HasEnded = hasEnded;
    }

    internal ProcessReference(string name) => Name = name;

    /// <summary>The process id; null if a name was given.</summary>
    public int? Id { get; }

    /// <summary>When the process started; null if that is not known. It tells the process from a later one with the same id.</summary>
    public DateTime? StartTime { get; }

    /// <summary>Whether the process is known to have ended, even if another process has its id now.</summary>
    public bool HasEnded { get; }

    /// <summary>The name; null if an id was given.</summary>
    public string? Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name ?? Id!.Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Returns the given process id, or the ids of the processes that have the name.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: the process has ended, or no process has the name and it
    /// has no wildcards.</exception>
    internal IReadOnlyList<int> Resolve()
    {
        if (Id is { } id)
            return HasEnded ? throw new IpcException(IpcErrors.ProcessNotFound, $"The process {id} has ended.", ToString()) : [id];
        return Find(Name!);
    }

    /// <summary>The ids of the processes that have a name.</summary>
    /// <param name="name">The name; wildcards allowed.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.ProcessNotFound"/>: no process has the name, which has no
    /// wildcards.</exception>
    internal static IReadOnlyList<int> Find(string name)
    {
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        var found = ProcessTable.All().Where(p => pattern.IsMatch(p.Name)).Select(static p => p.ProcessId).ToArray();
        if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            throw new IpcException(IpcErrors.ProcessNotFound, $"No process is named '{name}'.", name);
        return found;
    }
}

/// <summary>Lets a <see cref="ProcessReference"/> parameter accept process ids, Process objects (deserialized ones too), jobs with a
/// process of their own, and names with wildcards.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ProcessTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = Unwrapped.Value(inputData);
        return value is IList list ? list.Cast<object?>().Select(static o => One(Unwrapped.Value(o))).ToArray() : new[] { One(value) };
    }

    internal static ProcessReference One(object? value)
    {
        switch (value)
        {
            case ProcessReference reference:
                return reference;
            case Process process:
                return OfProcess(process);
            case string text:
                if (text.Length == 0) throw Wrong("an empty text");
                return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id)
                    ? new ProcessReference(id)
                    : new ProcessReference(text);
            case int or long or uint or ulong or short or ushort or byte or sbyte or double or decimal:
                return new ProcessReference(ToId(value));
        }
        var properties = PSObject.AsPSObject(value ?? throw Wrong("null")).Properties;
        if (properties["ProcessId"]?.Value is { } processId) return new ProcessReference(ToId(processId));
        // A job's Id is its number in the session. As a process id it would be any process.
        if (value is Job) throw Wrong("a job without a process of its own (it has no ProcessId)");
        if (properties["Id"]?.Value is { } number && properties["ProcessName"] is not null)
            return new ProcessReference(ToId(number), properties["StartTime"]?.Value as DateTime?);
        throw Wrong($"an object of type {value.GetType().Name}");
    }

    private static ProcessReference OfProcess(Process process)
    {
        try
        {
            // .NET knows that a child of this process has ended, even when another process has its id.
            return process.HasExited
                ? new ProcessReference(process.Id, hasEnded: true)
                : new ProcessReference(process.Id, process.StartTime);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended just now, or was never started. The kernel then reports what is wrong with its id.
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
            throw Wrong("a Process object without a process");
        }
    }

    private static int ToId(object value)
    {
        try
        {
            return Convert.ToInt32(Unwrapped.Value(value), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is OverflowException or FormatException or InvalidCastException)
        {
            throw Wrong($"'{value}'");
        }
    }

    private static ArgumentTransformationMetadataException Wrong(string what) =>
        new($"A process id, a process name (wildcards allowed), a Process object or a job with its own process is expected, not {what}.");
}

/// <summary>Converts to a <see cref="ProcessReference"/>.</summary>
public sealed class ProcessReferenceConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => ProcessTransformationAttribute.One(value);
}
