using System.Text.Json;
using IpcPs.Messaging;

namespace IpcPs.Tracing;

/// <summary>A message that passed.</summary>
/// <param name="Time">When it was seen.</param>
/// <param name="Direction"><c>-&gt;</c> to the channel's address, or from a relay's first side to its second one; <c>&lt;-</c> the other
/// way.</param>
/// <param name="Sender">The sender's process id; null where it is not known.</param>
/// <param name="Size">Bytes of payload.</param>
/// <param name="Format">What its envelope says, or what its bytes look like.</param>
/// <param name="Preview">The beginning of its content as printable text.</param>
/// <param name="Channel">The address of the channel.</param>
/// <param name="Connection">TCP and UDP: the client's address and port; null elsewhere.</param>
public sealed record IpcTraceRecord(DateTimeOffset Time, string Direction, int? Sender, long Size, IpcFormat Format, string Preview,
    string Channel, string? Connection)
{
    /// <summary>The process that received it, where it was seen in that process's system calls; null elsewhere.</summary>
    public int? Receiver { get; init; }

    /// <summary>The record as one line of JSON, with its line end.</summary>
    public byte[] ToJsonLine()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("time"u8, Time);
            json.WriteString("direction"u8, Direction);
            if (Sender is { } sender) json.WriteNumber("sender"u8, sender);
            else json.WriteNull("sender"u8);
            if (Receiver is { } receiver) json.WriteNumber("receiver"u8, receiver);
            else json.WriteNull("receiver"u8);
            json.WriteNumber("size"u8, Size);
            json.WriteString("format"u8, Format.ToString());
            json.WriteString("preview"u8, Preview);
            json.WriteString("channel"u8, Channel);
            json.WriteString("connection"u8, Connection);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
