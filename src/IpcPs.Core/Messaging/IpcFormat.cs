namespace IpcPs.Messaging;

/// <summary>How a value is converted to bytes (docs/wire-format.md).</summary>
public enum IpcFormat
{
    /// <summary>For receiving: what the envelope says; without an envelope a string if the bytes are valid UTF-8, else bytes.</summary>
    Auto = 0,
    /// <summary>CBOR in an envelope of IpcPs: values keep their types.</summary>
    Object = 1,
    /// <summary>UTF-8. On byte streams each message is a line.</summary>
    Text = 2,
    /// <summary>Compact JSON. On byte streams each message is a line.</summary>
    Json = 3,
    /// <summary>The bytes as they are. On byte streams a message is what one read returns.</summary>
    Bytes = 4,
}
