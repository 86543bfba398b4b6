namespace IpcPs.Serialization;

/// <summary>Why a sender left out a part of an object.</summary>
public enum IpcOmission
{
    /// <summary>For a reason that this version does not know.</summary>
    Unknown = 0,
    /// <summary>It contains itself.</summary>
    Cycle = 1,
    /// <summary>It is nested too deeply.</summary>
    Depth = 2,
}

/// <summary>Stands for a value that the sender left out, so that the receiver can see that there was one.</summary>
/// <param name="reason">Why the value was left out.</param>
/// <param name="text">The name of its type.</param>
public sealed class IpcOmitted(IpcOmission reason, string text)
{
    /// <summary>Why the value was left out.</summary>
    public IpcOmission Reason { get; } = reason;

    /// <summary>The name of its type.</summary>
    public string Text { get; } = text;

    /// <summary>A short text, like <c>(cycle: System.Collections.Hashtable)</c>.</summary>
    public override string ToString() => Reason switch
    {
        IpcOmission.Cycle => $"(cycle: {Text})",
        IpcOmission.Depth => $"(too deep: {Text})",
        _ => $"(omitted: {Text})",
    };
}
