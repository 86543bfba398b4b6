using System.Collections;
using System.Collections.Specialized;
using System.Formats.Cbor;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using CsCheck;
using IpcPs.Serialization;
using Xunit;

namespace IpcPs.Tests.Serialization;

/// <summary>Keys that a peer chose so that they collide: tables of them are filled in near linear time, or refused. And a large value is
/// cancelled while it is decoded or encoded.</summary>
public class CollisionTests
{
    /// <summary>A limit for a test that would otherwise run for hours. It is no measurement.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // The hash of an Int64 is the exclusive or of its halves, and 75,431 is a number of buckets of a HashSet.
    public static TheoryData<string> Chosen => ["one hash", "one bucket", "doubles", "decimals", "dates"];

    [Theory]
    [MemberData(nameof(Chosen))]
    public void Keys_that_were_chosen_to_collide_have_hashes_of_their_own(string how)
    {
        var keys = Enumerable.Range(1, 20_000).Select(i => Key(how, i)).ToHashSet();
        Assert.Equal(20_000, keys.Count);
        // What is wrong with .NET's own hashes.
        var own = keys.Select(key => (uint)key.GetHashCode() % 75_431).Distinct().Count();
        Assert.True(own < 200, $"the keys have {own} buckets");

        var set = Assert.IsType<HashSet<object?>>(RoundTrip(keys));
        Assert.True(set.SetEquals(keys));
        var buckets = set.Select(key => (uint)set.Comparer.GetHashCode(key!) % 75_431).Distinct().Count();
        Assert.InRange(buckets, 15_000, 20_000);

        var table = keys.ToDictionary(static key => key, static key => (object?)key);
        Assert.Equal(20_000, Assert.IsType<Hashtable>(RoundTrip(table)).Count);
        var ordered = new OrderedDictionary();
        foreach (var key in keys) ordered.Add(key, null);
        Assert.Equal(20_000, Assert.IsType<OrderedDictionary>(RoundTrip(ordered)).Count);
    }

    [Fact]
    public void Many_unequal_keys_with_one_hash_are_refused()
    {
        var writer = new CborWriter();
        writer.WriteTag((CborTag)258);
        writer.WriteStartArray(20_000);
        for (var i = 0; i < 20_000; i++)
        {
            // Values of different enums with the same number.
            writer.WriteTag((CborTag)51544);
            writer.WriteStartArray(3);
            writer.WriteTextString("Enum" + i);
            writer.WriteTextString("One");
            writer.WriteInt32(1);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        var error = Assert.Throws<IpcException>(() => new ObjectDecoder().Decode(writer.Encode()));
        Assert.Equal(IpcErrors.InvalidData, error.Id);
        Assert.Contains("too many keys of a dictionary have the same hash", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_are_equal_have_the_same_hash()
    {
        var comparer = KeyComparer.Exact;
        Values.Scalar.Where(static value => value is not (null or Array or XmlDocument or X500DistinguishedName)).Sample(
            value => comparer.GetHashCode(value) == comparer.GetHashCode(RoundTrip(value)), iter: 3000);
        object[][] equal =
        [
            [1.5m, 1.500m],
            [0m, -0.00m],
            [0.0, -0.0],
            [double.NaN, BitConverter.Int64BitsToDouble(-1)],
            [float.NaN, BitConverter.Int32BitsToSingle(-1)],
            [new DateTime(5, DateTimeKind.Utc), new DateTime(5, DateTimeKind.Local)],
            [new DateTimeOffset(2024, 1, 1, 12, 0, 0, TimeSpan.Zero), new DateTimeOffset(2024, 1, 1, 13, 0, 0, TimeSpan.FromHours(1))],
            [new IpcEnum("System.DayOfWeek", "Friday", 5), 5],
            [new IpcEnum("System.DayOfWeek", "Friday", 5), DayOfWeek.Friday],
            [new IpcEnum("Some.Enum", "All", -1), ulong.MaxValue],
            [IPAddress.Parse("::1"), IPAddress.IPv6Loopback],
        ];
        foreach (var pair in equal)
        {
            Assert.True(comparer.Equals(pair[0], pair[1]));
            Assert.Equal(comparer.GetHashCode(pair[0]), comparer.GetHashCode(pair[1]));
        }
    }

    [Fact]
    public void Received_tables_find_what_those_of_NET_find()
    {
        var table = Assert.IsType<Hashtable>(RoundTrip(
            new Hashtable { [7] = "int", [6L] = "long", [DayOfWeek.Friday] = "day", ["a"] = 1 }));
        Assert.Equal(["int", "long", null, 1], [table[7], table[6L], table[6], table["A"]]);
        Assert.Equal("day", table[DayOfWeek.Friday]);
        var set = Assert.IsType<HashSet<object?>>(RoundTrip(new HashSet<object?> { "a", null, 1.50m }));
        Assert.True(set.Contains("a") && set.Contains(null) && set.Contains(1.5m));
        Assert.False(set.Contains("A") || set.Contains(1));
    }

    [Fact]
    public void An_ordered_dictionary_with_many_keys_twice_is_refused_at_the_first()
    {
        const int Count = 300_000;
        var writer = new CborWriter(CborConformanceMode.Lax);
        writer.WriteTag((CborTag)51540);
        writer.WriteStartMap(Count * 2);
        for (var i = 0; i < Count * 2; i++)
        {
            writer.WriteInt32(i % Count);
            writer.WriteNull();
        }
        writer.WriteEndMap();
        using var limit = new CancellationTokenSource(Limit);
        var error = Assert.Throws<IpcException>(() => new ObjectDecoder().Decode(writer.Encode(), limit.Token));
        Assert.Equal(IpcErrors.InvalidData, error.Id);
        Assert.Contains("a dictionary has the same key twice", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(object[]))]
    [InlineData(typeof(HashSet<object?>))]
    [InlineData(typeof(Hashtable))]
    [InlineData(typeof(IpcPropertyBag))]
    public void A_large_value_is_cancelled(Type type)
    {
        var items = Enumerable.Range(0, 5000).Select(static i => (object)i).ToArray();
        var bag = new IpcPropertyBag();
        foreach (var item in items) bag.Add("p" + item, item);
        object value = type == typeof(Hashtable) ? new Hashtable(items.ToDictionary(static i => i))
            : type == typeof(IpcPropertyBag) ? bag
            : type == typeof(object[]) ? items : new HashSet<object?>(items);
        var encoder = new ObjectEncoder();
        var cancelled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(() => encoder.Encode(value, cancelled));
        var bytes = encoder.Encode(value).ToArray();
        var decoder = new ObjectDecoder();
        Assert.Throws<OperationCanceledException>(() => decoder.Decode(bytes, cancelled));
        Assert.IsType(type, decoder.Decode(bytes));
    }

    private static object Key(string how, int i) => how switch
    {
        "one hash" => ((long)i << 32) | (uint)i | (1L << 62),
        "one bucket" => (long)(i % 28_000) * 75_431,
        "doubles" => BitConverter.Int64BitsToDouble(((long)i << 32) | (uint)i),
        "decimals" => new decimal(i, 0, i, false, 0),
        _ => new DateTime(((long)i << 32) | (uint)i, DateTimeKind.Utc),
    };

    private static object? RoundTrip(object? value) => new ObjectDecoder().Decode(new ObjectEncoder().Encode(value));
}
