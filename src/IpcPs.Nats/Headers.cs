using System.Globalization;
using NATS.Client.Core;

namespace IpcPs.Nats;

/// <summary>What an envelope says on other transports is in a message's headers here, and its payload is the bytes alone
/// (docs/wire-format.md).</summary>
internal static class Headers
{
    public const string MessageId = "Nats-Msg-Id";
    private const string Format = "Ipc-Format";
    private const string Request = "Ipc-Request";
    private const string Reply = "Ipc-Reply";
    private const string Stream = "Ipc-Stream";

    /// <summary>The headers of a message; null where it needs none.</summary>
    public static NatsHeaders? Of(in SendOptions options, string? id)
    {
        if (!options.NeedsEnvelope && id is null) return null;
        var headers = new NatsHeaders();
        if (id is not null) headers[MessageId] = id;
        if (!options.NeedsEnvelope) return headers;
        headers[Format] = (options.Format == IpcFormat.Auto ? IpcFormat.Bytes : options.Format).ToString();
        if (options.CorrelationId != 0) headers[Request] = options.CorrelationId.ToString("x", CultureInfo.InvariantCulture);
        if (options.IsReply) headers[Reply] = "1";
        if (options.StreamId != 0) headers[Stream] = options.StreamId.ToString(CultureInfo.InvariantCulture);
        return headers;
    }

    /// <summary>Describes a received message. A header that is not valid is another program's, and is ignored.</summary>
    public static void Describe(NatsHeaders? headers, MessageBuffer message)
    {
        if (headers is null) return;
        Describe(name => headers.TryGetLastValue(name, out var value) ? value : null, message);
    }

    /// <summary>Describes a message from its headers as text: a line <c>NATS/1.0</c>, then <c>Name: value</c> lines.</summary>
    public static void Describe(string text, MessageBuffer message)
    {
        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Describe(name => Array.Find(lines, l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim(),
            message);
    }

    private static void Describe(Func<string, string?> find, MessageBuffer message)
    {
        if (find(Format) is not { } format || !Enum.TryParse<IpcFormat>(format, ignoreCase: true, out var known)
            || known is < IpcFormat.Object or > IpcFormat.Bytes)
        {
            return;
        }
        message.Format = known;
        if (ulong.TryParse(find(Request), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id))
            message.CorrelationId = id;
        message.IsReply = message.CorrelationId != 0 && find(Reply) == "1";
        if (byte.TryParse(find(Stream), NumberStyles.None, CultureInfo.InvariantCulture, out var stream)) message.StreamId = stream;
    }
}
