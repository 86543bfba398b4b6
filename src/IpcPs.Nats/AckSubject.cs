using System.Globalization;

namespace IpcPs.Nats;

/// <summary>The subject that a message of JetStream is acknowledged on. It says which message it is:
/// <c>$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.…</c>, or of newer servers
/// <c>$JS.ACK.DOMAIN.ACCOUNT.STREAM.CONSUMER.DELIVERED.SEQUENCE.…</c></summary>
/// <param name="Sequence">The message's number in its stream.</param>
/// <param name="Stored">When it was stored, in nanoseconds. A number alone may stand for another message after a server was lost.</param>
/// <param name="Pending">How many messages came after it and were given to no receiver yet.</param>
/// <param name="Delivered">How often it was given to a receiver.</param>
internal readonly record struct AckSubject(ulong Sequence, long Stored, ulong Pending, int Delivered)
{
    private const int OldTokens = 9;

    public static bool TryParse(string? subject, out AckSubject ack)
    {
        ack = default;
        if (subject is null || !subject.StartsWith("$JS.ACK.", StringComparison.Ordinal)) return false;
        Span<Range> tokens = stackalloc Range[16];
        var count = subject.AsSpan().Split(tokens, '.');
        if (count < OldTokens) return false;
        var at = count == OldTokens ? 4 : 6;
        var text = subject.AsSpan();
        if (!int.TryParse(text[tokens[at]], NumberStyles.None, CultureInfo.InvariantCulture, out var delivered)
            || !ulong.TryParse(text[tokens[at + 1]], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            || !long.TryParse(text[tokens[at + 3]], NumberStyles.None, CultureInfo.InvariantCulture, out var stored)
            || !ulong.TryParse(text[tokens[at + 4]], NumberStyles.None, CultureInfo.InvariantCulture, out var pending))
        {
            return false;
        }
        ack = new AckSubject(sequence, stored, pending, delivered);
        return true;
    }
}
