using System.Globalization;

namespace IpcPs.Module.Transformation;

/// <summary>What a parameter that takes processes was given: a process id, an object that has one, or a name with or without wildcards.</summary>
public sealed class ProcessReference
{
    internal ProcessReference(int id, DateTime? startTime = null, bool hasEnded = false)
    {
        Id = id;
        StartTime = startTime;
        HasEnded = hasEnded;
    }

    internal ProcessReference(string name) => Name = name;

    /// <summary>The process id; null where a name was given.</summary>
    public int? Id { get; }

    /// <summary>When the process that is meant started; null where that is not known.</summary>
    public DateTime? StartTime { get; }

    /// <summary>Whether the process that is meant is known to have ended, whatever has its id by now.</summary>
    public bool HasEnded { get; }

    /// <summary>The name; null where an id was given.</summary>
    public string? Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name ?? Id!.Value.ToString(CultureInfo.InvariantCulture);
}
