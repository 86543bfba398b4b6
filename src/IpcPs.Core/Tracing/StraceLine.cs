using System.Globalization;
using System.Text;

namespace IpcPs.Tracing;

/// <summary>A system call that moved bytes, as a line of strace(1) with the options <c>-f -yy -xx -ttt</c> shows it. The text comes from
/// another program: whatever does not have the expected form is skipped.</summary>
internal sealed class StraceLine
{
    private const string Unfinished = " <unfinished ...>";
    private const string Resumed = " resumed>";

    /// <summary>The thread that made the call.</summary>
    public int ThreadId { get; private init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset Time { get; private init; }

    /// <summary>The name of the call.</summary>
    public string Call { get; private init; } = "";

    /// <summary>What the call was made on: <c>pipe:[123]</c>, a path, or <c>UNIX-STREAM:[1-&gt;2,"path"]</c>.</summary>
    public string Link { get; private init; } = "";

    /// <summary>Of splice(2) and sendfile(2): where the bytes went. <see cref="Link"/> is where they came from. Null elsewhere.</summary>
    public string? OtherLink { get; private init; }

    /// <summary>What was moved: several messages of one sendmmsg(2) or recvmmsg(2). The size may be larger than the bytes that are
    /// shown; of splice(2) and sendfile(2) no bytes are shown.</summary>
    public IReadOnlyList<(long Size, byte[] Bytes)> Messages { get; private init; } = [];

    /// <summary>Whether the process sent, and did not receive.</summary>
    public bool IsSend => Call is "write" or "writev" or "pwritev2" or "sendto" or "sendmsg" or "sendmmsg" or "vmsplice"
        || Call.StartsWith("mq_timedsend", StringComparison.Ordinal);

    /// <summary>Reads a line. A call during which another thread made one is shown in two lines.</summary>
    /// <param name="line">The line.</param>
    /// <param name="unfinished">The first parts of such calls, by thread.</param>
    /// <returns>Null where it is no whole call that succeeded.</returns>
    public static StraceLine? TryParse(string line, Dictionary<int, string> unfinished)
    {
        var rest = line.AsSpan();
        if (!TryNumber(ref rest, out var thread)) return null;
        rest = rest.TrimStart(' ');
        var end = rest.IndexOf(' ');
        if (end < 0) return null;
        if (!decimal.TryParse(rest[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)) return null;
        var text = rest[(end + 1)..].ToString();
        if (text.StartsWith("<... ", StringComparison.Ordinal))
        {
            var at = text.IndexOf(Resumed, StringComparison.Ordinal);
            if (at < 0 || !unfinished.Remove((int)thread, out var start)) return null;
            text = start + text[(at + Resumed.Length)..];
        }
        if (text.EndsWith(Unfinished, StringComparison.Ordinal))
        {
            unfinished[(int)thread] = text[..^Unfinished.Length];
            return null;
        }
        if (text.StartsWith("+++", StringComparison.Ordinal)) unfinished.Remove((int)thread);
        return Parse((int)thread, seconds, text);
    }

    /// <summary>The text of a link as strace shows it: each byte of a name is written as <c>\x2f</c>.</summary>
    public static string LinkText(ReadOnlySpan<char> link)
    {
        if (link.IndexOf('\\') < 0) return link.ToString();
        var bytes = new List<byte>(link.Length);
        while (!link.IsEmpty)
        {
            if (TryEscape(link, out var value))
            {
                bytes.Add(value);
                link = link[4..];
                continue;
            }
            bytes.Add((byte)link[0]);
            link = link[1..];
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static StraceLine? Parse(int thread, decimal seconds, string text)
    {
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var close = text.LastIndexOf(") = ", StringComparison.Ordinal);
        if (open <= 0 || close < open) return null;
        var call = text[..open];
        var outcome = text.AsSpan(close + 4);
        // "-1 EAGAIN (...)" and "?" moved nothing.
        if (!TryNumber(ref outcome, out var result)) return null;
        var arguments = text.AsSpan(open + 1, close - open - 1);
        string? other = null;
        if (call is "sendfile" or "splice")
        {
            if (!TryLink(ref arguments, out var first) || !TryLink(ref arguments, out var second)) return null;
            // sendfile(to, from), and splice(from, offset, to, offset).
            (var from, other) = call == "sendfile" ? (second, first) : (first, second);
            return new StraceLine
            { ThreadId = thread, Time = TimeOf(seconds), Call = call, Link = from, OtherLink = other, Messages = [(result, [])] };
        }
        if (!TryLink(ref arguments, out var link)) return null;
        return new StraceLine
        {
            ThreadId = thread,
            Time = TimeOf(seconds),
            Call = call,
            Link = link,
            Messages = call switch
            {
                "sendmmsg" or "recvmmsg" => Several(arguments),
                "sendmsg" or "recvmsg" or "writev" or "readv" or "preadv2" or "pwritev2" or "vmsplice" =>
                    [(result, Vector(arguments, result))],
                "mq_timedsend" or "mq_timedsend_time64" => [OfQueue(arguments)],
                _ => [(result, Quoted(ref arguments, result))],
            },
        };
    }

    private static DateTimeOffset TimeOf(decimal seconds) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond)).ToLocalTime();

    // mq_timedsend(3</q>, "...", length, priority, ...) returns 0.
    private static (long Size, byte[] Bytes) OfQueue(ReadOnlySpan<char> arguments)
    {
        var bytes = Quoted(ref arguments, int.MaxValue);
        arguments = arguments.TrimStart(".\", ");
        return TryNumber(ref arguments, out var length) ? (length, bytes) : (bytes.Length, bytes);
    }

    // {msg_hdr={..., msg_iov=[{iov_base="...", iov_len=5}], ...}, msg_len=5}, ...
    private static List<(long Size, byte[] Bytes)> Several(ReadOnlySpan<char> arguments)
    {
        const string Length = "msg_len=";
        var messages = new List<(long, byte[])>();
        while (arguments.IndexOf(Length) is var at and >= 0)
        {
            var after = arguments[(at + Length.Length)..];
            if (TryNumber(ref after, out var length)) messages.Add((length, Vector(arguments[..at], length)));
            arguments = after;
        }
        return messages;
    }

    // [{iov_base="...", iov_len=5}, ...]
    private static byte[] Vector(ReadOnlySpan<char> arguments, long length)
    {
        const string Start = "iov_base=";
        var bytes = new List<byte>();
        while (bytes.Count < length && arguments.IndexOf(Start) is var at and >= 0)
        {
            arguments = arguments[(at + Start.Length)..];
            if (arguments.IsEmpty || arguments[0] != '"') continue;
            bytes.AddRange(Quoted(ref arguments, length - bytes.Count));
            // The rest would not follow what was cut.
            if (arguments.StartsWith("...")) break;
        }
        return [.. bytes];
    }

    /// <summary>The next text in quotes: only escapes, as <c>-xx</c> writes all of them.</summary>
    private static byte[] Quoted(ref ReadOnlySpan<char> text, long limit)
    {
        var start = text.IndexOf('"');
        if (start < 0) return [];
        text = text[(start + 1)..];
        var length = text.IndexOf('"');
        if (length < 0) return [];
        var escapes = text[..length];
        text = text[(length + 1)..];
        var bytes = new byte[Math.Min(escapes.Length / 4, limit)];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (!TryEscape(escapes[(4 * i)..], out bytes[i])) return bytes[..i];
        }
        return bytes;
    }

    private static bool TryEscape(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length >= 4 && text[0] == '\\' && text[1] == 'x'
            && byte.TryParse(text.Slice(2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The next descriptor, <c>3&lt;link&gt;</c>.</summary>
    private static bool TryLink(ref ReadOnlySpan<char> arguments, out string link)
    {
        link = "";
        var rest = arguments.TrimStart(", ");
        // splice has an offset in between, which is NULL for what has none.
        if (rest.StartsWith("NULL, ")) rest = rest["NULL, ".Length..];
        if (!TryNumber(ref rest, out _) || rest.IsEmpty || rest[0] != '<') return false;
        rest = rest[1..];
        // "->" is within a link, and never before a comma.
        var end = rest.IndexOf(">,");
        if (end < 0) return false;
        link = LinkText(rest[..end]);
        arguments = rest[(end + 1)..];
        return true;
    }

    private static bool TryNumber(ref ReadOnlySpan<char> text, out long number)
    {
        var length = 0;
        while (length < text.Length && char.IsAsciiDigit(text[length])) length++;
        var isNumber = long.TryParse(text[..length], NumberStyles.None, CultureInfo.InvariantCulture, out number);
        text = text[length..];
        return isNumber;
    }
}
