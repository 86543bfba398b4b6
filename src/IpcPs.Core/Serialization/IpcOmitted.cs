namespace IpcPs.Serialization;

/// <summary>Stands where the sender left something out, so that the receiver can see that there was more.</summary>
public sealed class IpcOmitted
{
    /// <summary>Creates a mark.</summary>
    public IpcOmitted(IpcOmission reason, string text)
    {
        Reason = reason;
        Text = text;
    }

    /// <summary>Why.</summary>
    public IpcOmission Reason { get; }

    /// <summary>What it was, in short: the type's name.</summary>
    public string Text { get; }

    /// <summary>A short mark for people: <c>(cycle: System.Collections.Hashtable)</c>.</summary>
    public override string ToString() => Reason switch
    {
        IpcOmission.Cycle => $"(cycle: {Text})",
        IpcOmission.Depth => $"(too deep: {Text})",
        _ => $"(omitted: {Text})",
    };
}
