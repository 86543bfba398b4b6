namespace IpcPs.Messaging;

/// <summary>How a value becomes bytes (docs/wire-format.md).</summary>
public enum IpcFormat
{
    /// <summary>Receiving only: an envelope where there is one, else a string where the bytes are valid UTF-8, else bytes.</summary>
    Auto = 0,
    /// <summary>IpcPs's envelope around CBOR: values arrive as what they were.</summary>
    Object = 1,
    /// <summary>UTF-8; on byte streams one line a message.</summary>
    Text = 2,
    /// <summary>Compact JSON; on byte streams one line a message.</summary>
    Json = 3,
    /// <summary>As is; on byte streams what each read returns.</summary>
    Bytes = 4,
}
