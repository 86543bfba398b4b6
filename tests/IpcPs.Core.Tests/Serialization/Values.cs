using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using CsCheck;
using IpcPs.Serialization;

namespace IpcPs.Tests.Serialization;

/// <summary>Values that arrive unchanged in format Object, and whether two of them are the same.</summary>
internal static class Values
{
    /// <summary>Any UTF-16 units: mostly valid text, but unpaired surrogates too.</summary>
    public static readonly Gen<string> Text = Gen.Frequency(
        (6, Gen.String[Gen.Char[' ', '~'], 0, 40]),
        (3, Gen.String[Gen.Char['\u0001', '\uD7FF'], 0, 40]),
        (1, Gen.String[Gen.OneOf(Gen.Char['\uD800', '\uDFFF'], Gen.Char['a', 'z']), 0, 20]),
        (1, OneOf("", "\0", "a\0b", "\n", "\uFEFF", "😀", "\uD83D", "\uDE00\uD83D")),
        (1, OneOf(Repeat('x', 23), Repeat('x', 24), Repeat('ä', 12), Repeat('€', 100), Repeat('x', 70_000), Repeat('ä', 70_000),
            Repeat('x', 70_000) + '\uD83D')));

    public static readonly Gen<decimal> Decimal = Gen.Frequency(
        (2, Gen.Select(Gen.Int, Gen.Int, Gen.Int, Gen.Bool, Gen.Int[0, 28]).Select(static (low, middle, high, negative, scale) =>
            new decimal(low, middle, high, negative && (low | middle | high) != 0, (byte)scale))),
        (2, Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, 6]).Select(static (digits, scale) =>
            new decimal(digits, 0, 0, false, (byte)scale))),
        (1, OneOf(0m, 0.00m, 1.50m, -1m, decimal.MaxValue, decimal.MinValue)),
        (1, OneOf(18446744073709551615m, -18446744073709551615m, -18446744073709551616m, -18446744073709551617m)));

    public static readonly Gen<BigInteger> Integer = Gen.Byte.Array[0, 40].Select(static bytes => new BigInteger(bytes));

    private static readonly Lazy<X509Certificate2> Certificate = new(static () =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=IpcPs", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
    });

    public static readonly Gen<object?> Scalar = Gen.OneOf(
        Gen.Const((object?)null),
        Gen.Bool.Select(static v => (object?)v),
        Gen.Int.Select(static v => (object?)v),
        Gen.Int[-300, 300].Select(static v => (object?)v),
        Gen.Long.Select(static v => (object?)v),
        Gen.Long[-300, 300].Select(static v => (object?)v),
        Gen.ULong.Select(static v => (object?)v),
        Gen.UInt.Select(static v => (object?)v),
        Gen.Short.Select(static v => (object?)v),
        Gen.UShort.Select(static v => (object?)v),
        Gen.Byte.Select(static v => (object?)v),
        Gen.SByte.Select(static v => (object?)v),
        Gen.Double.Select(static v => (object?)v),
        Gen.Float.Select(static v => (object?)v),
        OneOf<object?>(int.MinValue, int.MaxValue, long.MinValue, long.MaxValue, (long)int.MaxValue + 1, (long)int.MinValue - 1),
        OneOf<object?>(ulong.MaxValue, (ulong)long.MaxValue + 1, double.NaN, double.NegativeInfinity, -0.0, float.NaN),
        Decimal.Select(static v => (object?)v),
        Integer.Select(static v => (object?)v),
        Gen.Char.Select(static v => (object?)v),
        Text.Select(static v => (object?)v),
        Gen.Byte.Array[0, 300].Select(static v => (object?)v),
        Gen.Long[0, DateTime.MaxValue.Ticks].Select(static v => (object?)new DateTime(v, DateTimeKind.Utc)),
        Gen.Long[0, DateTime.MaxValue.Ticks].Select(static v => (object?)new DateTime(v, DateTimeKind.Unspecified)),
        Gen.Long[0, DateTime.MaxValue.Ticks].Select(static v => (object?)new DateTime(v, DateTimeKind.Local)),
        OneOf<object?>(DateTime.MinValue, DateTime.MaxValue),
        OneOf<object?>(new DateTime(0, DateTimeKind.Local), new DateTime(DateTime.MaxValue.Ticks, DateTimeKind.Local)),
        OneOf<object?>(TimeSpan.MinValue, TimeSpan.MaxValue, DateTimeOffset.MinValue, DateTimeOffset.MaxValue),
        Gen.Select(Gen.Long[TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay], Gen.Int[-14 * 60, 14 * 60])
            .Select(static (ticks, offset) => (object?)new DateTimeOffset(ticks, TimeSpan.FromMinutes(offset))),
        Gen.Long.Select(static v => (object?)new TimeSpan(v)),
        Gen.Guid.Select(static v => (object?)v),
        Gen.Select(Gen.Int[0, 100], Gen.Int[0, 100], Gen.Int[-1, 100], Gen.Int[-1, 100]).Select(static (a, b, c, d) =>
            (object?)(c < 0 ? new Version(a, b) : d < 0 ? new Version(a, b, c) : new Version(a, b, c, d))),
        OneOf<object?>(new Uri("https://example.org/a%20b?c=d#e"), new Uri("relative/path", UriKind.Relative), new Uri("file:///tmp/ä")),
        Gen.UInt.Select(static v => (object?)new IPAddress(v)),
        Gen.Select(Gen.Byte.Array[16], Gen.OneOf(Gen.Const(0u), Gen.UInt)).Select(static (v, scope) => (object?)new IPAddress(v, scope)),
        OneOf<object?>(DBNull.Value, CultureInfo.InvariantCulture),
        OneOf<object?>(new MailAddress("a@b.example"), new MailAddress("a@b.example", "A (B), C")),
        OneOf<object?>(Xml(""), Xml("<a/>"), Xml("<?xml version=\"1.0\"?>\n<!-- c --><a b=\"&lt;\"> <b>ä</b>\n<![CDATA[x]]></a>")),
        OneOf<object?>(Certificate.Value, Certificate.Value.SubjectName),
        Gen.Int[0, 3_000_000].Select(static v => (object?)DateOnly.FromDayNumber(v)),
        Gen.Long[0, TimeSpan.TicksPerDay - 1].Select(static v => (object?)new TimeOnly(v)),
        Gen.Select(Text, Gen.Long).Select(static (name, number) => (object?)new IpcEnum("Some.Kind", name, number)));

    /// <summary>Single values, and values that contain others, nested.</summary>
    public static readonly Gen<object?> Any =
        Gen.Recursive<object?>((depth, inner) => depth >= 4 ? Scalar : Gen.Frequency((3, Scalar), (2, Container(inner))));

    public static bool Same(object? left, object? right)
    {
        if (left is null || right is null) return left is null && right is null;
        if (left.GetType() != right.GetType()) return false;
        switch (left)
        {
            case DateTime time:
                return time.Ticks == ((DateTime)right).Ticks && time.Kind == ((DateTime)right).Kind;
            case DateTimeOffset time:
                return time.EqualsExact((DateTimeOffset)right);
            case decimal number:
                return decimal.GetBits(number).SequenceEqual(decimal.GetBits((decimal)right));
            case double number:
                // Zeros of different sign are equal numbers.
                return number.Equals((double)right) && (number != 0 || double.IsNegative(number) == double.IsNegative((double)right));
            case float number:
                return number.Equals((float)right) && (number != 0 || float.IsNegative(number) == float.IsNegative((float)right));
            case XmlDocument document:
                return document.OuterXml == ((XmlDocument)right).OuterXml;
            case X500DistinguishedName name:
                return name.Name == ((X500DistinguishedName)right).Name;
            case IpcEnum value:
                return value.Equals((IpcEnum)right) && value.Name == ((IpcEnum)right).Name;
            case IpcPropertyBag bag:
                var other = (IpcPropertyBag)right;
                return bag.TypeNames.SequenceEqual(other.TypeNames) && bag.Text == other.Text && bag.IsCopy == other.IsCopy &&
                    bag.Keys.SequenceEqual(other.Keys) && SameItems(bag.Values, other.Values);
            case OrderedDictionary ordered:
                var second = (OrderedDictionary)right;
                return SameItems(ordered.Keys, second.Keys) && SameItems(ordered.Values, second.Values);
            case Hashtable table:
                var copy = (Hashtable)right;
                if (table.Count != copy.Count) return false;
                return table.Keys.Cast<object>().All(key => copy.ContainsKey(key) && Same(table[key], copy[key]));
            case IEnumerable items and not string:
                return SameItems(items, (IEnumerable)right);
            default:
                return left.Equals(right);
        }
    }

    private static XmlDocument Xml(string text)
    {
        var document = new XmlDocument { PreserveWhitespace = true };
        if (text.Length > 0) document.LoadXml(text);
        return document;
    }

    private static string Repeat(char unit, int count) => new(unit, count);

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);

    private static Gen<object?> Container(Gen<object?> inner)
    {
        var items = inner.Array[0, 6];
        var pairs = Gen.Select(Text, inner).Array[0, 6];
        return Gen.OneOf(
            items.Select(static v => (object?)v),
            items.Select(static v => (object?)new List<object?>(v)),
            items.Select(static v => (object?)new ArrayList(v)),
            Text.Array[0, 5].Select(static v => (object?)v),
            Gen.Int.Array[0, 50].Select(static v => (object?)v),
            Gen.Double.Array[0, 50].Select(static v => (object?)v),
            Gen.Long.Array[0, 50].Select(static v => (object?)new List<long>(v)),
            Gen.UShort.Array[0, 50].Select(static v => (object?)v),
            Gen.Guid.Array[0, 5].Select(static v => (object?)v),
            Gen.Bool.Array[0, 5].Select(static v => (object?)new List<bool>(v)),
            Gen.SByte.Array[0, 50].Select(static v => (object?)v),
            pairs.Select(static pairs => Table(new Hashtable(StringComparer.OrdinalIgnoreCase), pairs)),
            pairs.Select(static pairs => Table(new OrderedDictionary(StringComparer.OrdinalIgnoreCase), pairs)),
            Gen.Select(Gen.String[Gen.Char['a', 'e'], 1, 3], inner).Array[0, 30].Select(static pairs => (object?)Bag(pairs)),
            Gen.Select(Text.Where(static name => name.Length > 0).Array[1, 3], Gen.Null(Text), Gen.Bool, pairs)
            .Select(static (names, text, isCopy, pairs) =>
            {
                var bag = Bag(pairs);
                bag.TypeNames = names;
                bag.IsCopy = isCopy;
                bag.Text = isCopy ? text : null;
                return (object?)bag;
            }));
    }

    private static object? Table(IDictionary table, (string, object?)[] pairs)
    {
        foreach (var (key, value) in pairs) table[key] = value;
        return table;
    }

    private static IpcPropertyBag Bag((string, object?)[] pairs)
    {
        var bag = new IpcPropertyBag();
        foreach (var (name, value) in pairs)
        {
            if (name.Length > 0 && !bag.ContainsKey(name)) bag.Add(name, value);
        }
        return bag;
    }

    private static bool SameItems(IEnumerable left, IEnumerable right) =>
        left.Cast<object?>().Count() == right.Cast<object?>().Count() &&
        left.Cast<object?>().Zip(right.Cast<object?>(), Same).All(static same => same);
}
