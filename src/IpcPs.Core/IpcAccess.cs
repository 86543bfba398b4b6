namespace IpcPs;

/// <summary>What an object is opened for.</summary>
[Flags]
public enum IpcAccess
{
    /// <summary>What the object offers.</summary>
    Default = 0,
    /// <summary>Receiving, reading.</summary>
    Read = 1,
    /// <summary>Sending, writing.</summary>
    Write = 2,
    /// <summary>Both.</summary>
    ReadWrite = Read | Write,
}
