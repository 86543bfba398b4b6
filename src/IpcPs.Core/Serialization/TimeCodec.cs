using System.Globalization;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Dates, times and durations: RFC 3339 text, with .NET's kinds told apart, and RFC 9581 durations.</summary>
internal static class TimeCodec
{
    private const int MaxText = 40;
    private const int TicksPerNano = 100;

    public static void Write(CborBuffer buffer, DateTime value)
    {
        buffer.Tag(value.Kind switch
        {
            DateTimeKind.Utc => CborTags.DateTimeText,
            DateTimeKind.Local => CborTags.LocalTime,
            _ => CborTags.UnspecifiedTime,
        });
        // "O" ends with Z, the offset or nothing, as the kind wants it. It has 28 to 33 characters: more than 23, less than 256.
        var target = buffer.Reserve(MaxText);
        value.TryFormat(target[2..], out var written, "O", CultureInfo.InvariantCulture);
        FinishText(buffer, target, written);
    }

    public static void Write(CborBuffer buffer, DateTimeOffset value)
    {
        buffer.Tag(CborTags.DateTimeText);
        var target = buffer.Reserve(MaxText);
        value.TryFormat(target[2..], out var written, "O", CultureInfo.InvariantCulture);
        FinishText(buffer, target, written);
    }

    public static void Write(CborBuffer buffer, TimeSpan value)
    {
        // {1: whole seconds, -9: nanoseconds}; the nanoseconds are never negative, so the seconds are rounded down.
        var seconds = Math.DivRem(value.Ticks, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }
        buffer.Tag(CborTags.Duration);
        buffer.Head(CborMajor.Map, rest == 0 ? 1u : 2u);
        buffer.Integer(1);
        buffer.Integer(seconds);
        if (rest == 0) return;
        buffer.Integer(-9);
        buffer.Integer(rest * TicksPerNano);
    }

    public static void Write(CborBuffer buffer, DateOnly value)
    {
        buffer.Tag(CborTags.FullDate);
        buffer.Text(value.ToString("O", CultureInfo.InvariantCulture));
    }

    public static void Write(CborBuffer buffer, TimeOnly value)
    {
        buffer.Tag(CborTags.TimeOfDay);
        buffer.Text(value.ToString("O", CultureInfo.InvariantCulture));
    }

    /// <summary>What a text with tag 0 stands for: with Z a DateTime in UTC, with an offset a DateTimeOffset.</summary>
    public static object Moment(ReadOnlySpan<byte> text)
    {
        var wall = Parse(text, out var offset, out var zone);
        return zone switch
        {
            Zone.Utc => (object)DateTime.SpecifyKind(wall, DateTimeKind.Utc),
            Zone.Offset => WithOffset(wall, offset),
            _ => throw Invalid(text),
        };
    }

    public static DateTime Local(ReadOnlySpan<byte> text)
    {
        var wall = Parse(text, out var offset, out var zone);
        if (zone == Zone.None) throw Invalid(text);
        var local = DateTime.SpecifyKind(wall, DateTimeKind.Local);
        // The same wall time where the zones agree: so even a time that daylight saving skipped comes back as it was.
        if (TimeZoneInfo.Local.GetUtcOffset(local) == offset) return local;
        var utc = wall.Ticks - offset.Ticks;
        return utc >= 0 && utc <= DateTime.MaxValue.Ticks ? new DateTime(utc, DateTimeKind.Utc).ToLocalTime() : local;
    }

    public static DateTime Unspecified(ReadOnlySpan<byte> text)
    {
        var wall = Parse(text, out _, out var zone);
        return zone == Zone.None ? wall : throw Invalid(text);
    }

    public static DateOnly Date(ReadOnlySpan<byte> text) =>
        DateOnly.TryParseExact(System.Text.Encoding.ASCII.GetString(text), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : throw Invalid(text);

    public static TimeOnly TimeOfDay(ReadOnlySpan<byte> text) =>
        TimeOnly.TryParseExact(System.Text.Encoding.ASCII.GetString(text), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : throw Invalid(text);

    /// <summary>Seconds since 1970, whole or not, as UTC.</summary>
    public static DateTime FromUnix(object? seconds)
    {
        // A tick is 100 ns: what a double says beyond that is noise.
        var ticks = seconds switch
        {
            int whole => whole * (decimal)TimeSpan.TicksPerSecond,
            long whole => whole * (decimal)TimeSpan.TicksPerSecond,
            double number when Math.Abs(number) < 1e12 => (decimal)Math.Round(number * TimeSpan.TicksPerSecond),
            float number when Math.Abs(number) < 1e12 => (decimal)Math.Round((double)number * TimeSpan.TicksPerSecond),
            _ => throw CborError.Invalid("tag 1 is not on a number of seconds that a date can be"),
        };
        ticks += DateTime.UnixEpoch.Ticks;
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks ? new DateTime((long)ticks, DateTimeKind.Utc) : throw CborError.Invalid("a date lies outside of the years 1 to 9999");
    }

    /// <summary>A duration from its whole seconds and its fraction in nanoseconds.</summary>
    public static TimeSpan Duration(long seconds, long nanoseconds)
    {
        var ticks = ((decimal)seconds * TimeSpan.TicksPerSecond) + (nanoseconds / TicksPerNano);
        return ticks >= long.MinValue && ticks <= long.MaxValue ? new TimeSpan((long)ticks) : throw CborError.Invalid("a duration is longer than a TimeSpan can be");
    }

    private static void FinishText(CborBuffer buffer, Span<byte> target, int written)
    {
        target[0] = (byte)CborMajor.Text | 24;
        target[1] = (byte)written;
        buffer.Advance(2 + written);
    }

    private static DateTimeOffset WithOffset(DateTime wall, TimeSpan offset)
    {
        var utc = wall.Ticks - offset.Ticks;
        return utc >= 0 && utc <= DateTime.MaxValue.Ticks ? new DateTimeOffset(wall, offset) : throw CborError.Invalid("a moment lies outside of the years 1 to 9999");
    }

    /// <summary>RFC 3339: yyyy-MM-ddTHH:mm:ss, a fraction of which seven digits count, then Z, an offset or nothing.</summary>
    private static DateTime Parse(ReadOnlySpan<byte> text, out TimeSpan offset, out Zone zone)
    {
        offset = default;
        zone = Zone.None;
        if (text.Length < 19 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) is not ('t' or ' ') || text[13] != ':' || text[16] != ':') throw Invalid(text);
        var year = Number(text, 0, 4);
        var month = Number(text, 5, 2);
        var day = Number(text, 8, 2);
        var hour = Number(text, 11, 2);
        var minute = Number(text, 14, 2);
        var second = Number(text, 17, 2);
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) throw Invalid(text);
        var at = 19;
        var fraction = 0;
        if (at < text.Length && text[at] == '.')
        {
            var digits = 0;
            for (at++; at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9'; at++)
            {
                if (digits++ < 7) fraction = (fraction * 10) + (text[at] - '0');
            }
            if (digits == 0) throw Invalid(text);
            for (; digits < 7; digits++) fraction *= 10;
        }
        var rest = text[at..];
        if (rest.Length == 1 && (rest[0] | 0x20) == 'z')
        {
            zone = Zone.Utc;
        }
        else if (rest.Length == 6 && rest[0] is (byte)'+' or (byte)'-' && rest[3] == ':')
        {
            zone = Zone.Offset;
            var minutes = (Number(rest, 1, 2) * 60) + Number(rest, 4, 2);
            if (minutes > 14 * 60) throw Invalid(text);
            offset = TimeSpan.FromMinutes(rest[0] == '-' ? -minutes : minutes);
        }
        else if (rest.Length != 0)
        {
            throw Invalid(text);
        }
        return new DateTime(year, month, day, hour, minute, second).AddTicks(fraction);
    }

    private static int Number(ReadOnlySpan<byte> text, int at, int digits)
    {
        var number = 0;
        for (var i = at; i < at + digits; i++)
        {
            if (text[i] is < (byte)'0' or > (byte)'9') throw Invalid(text);
            number = (number * 10) + (text[i] - '0');
        }
        return number;
    }

    private static IpcException Invalid(ReadOnlySpan<byte> text) =>
        CborError.Invalid($"'{System.Text.Encoding.ASCII.GetString(text[..Math.Min(text.Length, MaxText)])}' is no date or time as RFC 3339 writes it");

    private enum Zone
    {
        None,
        Utc,
        Offset,
    }
}
