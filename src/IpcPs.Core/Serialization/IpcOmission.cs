namespace IpcPs.Serialization;

/// <summary>Why a sender left a part of an object out.</summary>
public enum IpcOmission
{
    /// <summary>For a reason that this version does not know.</summary>
    Unknown = 0,
    /// <summary>It contains itself.</summary>
    Cycle = 1,
    /// <summary>It lies deeper than the limit.</summary>
    Depth = 2,
}
