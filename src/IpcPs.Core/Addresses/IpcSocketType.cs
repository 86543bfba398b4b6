namespace IpcPs.Addresses;

/// <summary>The type of a socket; the values are those of socket(2).</summary>
public enum IpcSocketType
{
    /// <summary>SOCK_STREAM: a byte stream.</summary>
    Stream = 1,
    /// <summary>SOCK_DGRAM: messages without a connection.</summary>
    Datagram = 2,
    /// <summary>SOCK_SEQPACKET: messages over a connection.</summary>
    SeqPacket = 5,
}
