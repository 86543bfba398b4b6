using System.Globalization;
using System.Text;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Dates and times as RFC 3339 text, with a tag for .NET's kinds, and durations as RFC 9581 has them.</summary>
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
        // "O" ends with Z, the offset or nothing, depending on the kind. It has 27 to 33 characters, so the head has two bytes.
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

    /// <summary>Reads a text with tag 0: with Z as a DateTime in UTC, with an offset as a DateTimeOffset.</summary>
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
        // With the offset of the local time zone the digits stay as they are. So a time that daylight saving skips arrives unchanged.
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
        DateOnly.TryParseExact(Encoding.ASCII.GetString(text), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : throw Invalid(text);

    public static TimeOnly TimeOfDay(ReadOnlySpan<byte> text) =>
        TimeOnly.TryParseExact(Encoding.ASCII.GetString(text), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw Invalid(text);

    /// <summary>Reads seconds since 1970, with or without a fraction, as UTC.</summary>
    public static DateTime FromUnix(object? seconds)
    {
        // Ticks are whole numbers of 100 ns: rounded, because a double has digits beyond that which mean nothing.
        var ticks = seconds switch
        {
            int whole => whole * (decimal)TimeSpan.TicksPerSecond,
            long whole => whole * (decimal)TimeSpan.TicksPerSecond,
            double number when Math.Abs(number) < 1e12 => (decimal)Math.Round(number * TimeSpan.TicksPerSecond),
            float number when Math.Abs(number) < 1e12 => (decimal)Math.Round((double)number * TimeSpan.TicksPerSecond),
            _ => throw CborError.Invalid("tag 1 is not on a number of seconds in the years 1 to 9999"),
        };
        ticks += DateTime.UnixEpoch.Ticks;
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks ? new DateTime((long)ticks, DateTimeKind.Utc) : throw OutOfRange();
    }

    /// <summary>A duration of whole seconds and a fraction in nanoseconds.</summary>
    public static TimeSpan Duration(long seconds, long nanoseconds)
    {
        var ticks = ((decimal)seconds * TimeSpan.TicksPerSecond) + (nanoseconds / TicksPerNano);
        return ticks >= long.MinValue && ticks <= long.MaxValue
            ? new TimeSpan((long)ticks)
            : throw CborError.Invalid("a duration is longer than a TimeSpan can be");
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
        return utc >= 0 && utc <= DateTime.MaxValue.Ticks ? new DateTimeOffset(wall, offset) : throw OutOfRange();
    }

    /// <summary>Reads RFC 3339: yyyy-MM-ddTHH:mm:ss, a fraction whose first seven digits are used, then Z, an offset or nothing.</summary>
    private static DateTime Parse(ReadOnlySpan<byte> text, out TimeSpan offset, out Zone zone)
    {
        offset = default;
        zone = Zone.None;
        if (text.Length < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') throw Invalid(text);
        if ((text[10] | 0x20) is not ('t' or ' ')) throw Invalid(text);
        var year = Number(text, 0, 4);
        var month = Number(text, 5, 2);
        var day = Number(text, 8, 2);
        var hour = Number(text, 11, 2);
        var minute = Number(text, 14, 2);
        var second = Number(text, 17, 2);
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) throw Invalid(text);
        if (hour > 23 || minute > 59 || second > 59) throw Invalid(text);
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
        CborError.Invalid($"'{Encoding.ASCII.GetString(text[..Math.Min(text.Length, MaxText)])}' is not a date or time of RFC 3339");

    private static IpcException OutOfRange() => CborError.Invalid("a date is not in the years 1 to 9999");

    private enum Zone
    {
        None,
        Utc,
        Offset,
    }
}
