using System.Collections;
using System.Formats.Cbor;
using System.Numerics;
using IpcPs.Serialization;
using Xunit;

namespace IpcPs.Tests.Serialization;

public class DecoderTests
{
    /// <summary>What other encoders write: the examples of RFC 8949, appendix A, that have a value here, and others.</summary>
    public static TheoryData<string, object?> Examples => new()
    {
        { "00", 0 },
        { "1864", 100 },
        { "1a000f4240", 1000000 },
        { "1b000000e8d4a51000", 1000000000000L },
        { "1bffffffffffffffff", ulong.MaxValue },
        { "3863", -100 },
        { "3bffffffffffffffff", -1 - (BigInteger)ulong.MaxValue },
        { "c249010000000000000000", BigInteger.Pow(2, 64) },
        { "c349010000000000000000", -1 - BigInteger.Pow(2, 64) },
        { "f93e00", 1.5 },
        { "f90001", 5.960464477539063e-8 },
        { "fa47c35000", 100000.0f },
        { "fb3ff199999999999a", 1.1 },
        { "f97e00", double.NaN },
        { "f4", false },
        { "f5", true },
        { "f6", null },
        { "f7", null },
        { "c074323031332d30332d32315432303a30343a30305a", new DateTime(2013, 3, 21, 20, 4, 0, DateTimeKind.Utc) },
        { "c11a514b67b0", new DateTime(2013, 3, 21, 20, 4, 0, DateTimeKind.Utc) },
        { "c1fb41d452d9ec200000", new DateTime(2013, 3, 21, 20, 4, 0, 500, DateTimeKind.Utc) },
        { "d818456449455446", new byte[] { 0x64, 0x49, 0x45, 0x54, 0x46 } },
        { "d82076687474703a2f2f7777772e6578616d706c652e636f6d", new Uri("http://www.example.com") },
        { "4401020304", new byte[] { 1, 2, 3, 4 } },
        { "60", "" },
        { "62c3bc", "ü" },
        { "64f0908591", "\U00010151" },
        { "83010203", new object[] { 1, 2, 3 } },
        { "8301820203820405", new object[] { 1, new object[] { 2, 3 }, new object[] { 4, 5 } } },
        { "a201020304", new Hashtable { [1] = 2, [3] = 4 } },
        { "5f42010243030405ff", new byte[] { 1, 2, 3, 4, 5 } },
        { "7f657374726561646d696e67ff", "streaming" },
        { "9fff", Array.Empty<object>() },
        { "9f018202039f0405ffff", new object[] { 1, new object[] { 2, 3 }, new object[] { 4, 5 } } },
        { "bf6346756ef563416d7421ff", new Hashtable { ["Fun"] = true, ["Amt"] = -2 } },
        { "d9d9f701", 1 },
        { "c482211903e8", 10.00m },
        { "c4820105", 50m },
        { "d804822105", 0.05m },
        { "c49f2105ff", 0.05m },
        { "c48221c24a00000000000000000005", 0.05m },
        { "c482381c1a05f5e100", 0.0000000000000000000010000000m },
        { "c48221c34bffffffffffffffffffffff", -3094850098213450687247810.56m },
        { "c2581b000000000000000000000000000000000000000000000000000005", new BigInteger(5) },
        { "d9000240", BigInteger.Zero },
        { "c35f4101410fff", new BigInteger(-272) },
        { "d903eaa10103", TimeSpan.FromSeconds(3) },
        { "d903eaa2010322191388", TimeSpan.FromMilliseconds(8000) },
        { "d903ec6a323031332d30332d3231", new DateOnly(2013, 3, 21) },
        { "d84a480000000100000002", new[] { 1, 2 } },
        { "d9c950bf616101ff", Bag() },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Other_encoders_values_are_read(string hex, object? expected) => Assert.True(Values.Same(expected, Decode(hex)));

    [Theory]
    [InlineData("")]
    [InlineData("18")]
    [InlineData("1c")]
    [InlineData("ff")]
    [InlineData("f8ff")]
    [InlineData("0000")]
    [InlineData("61ff")]
    [InlineData("7f41ffff")]
    [InlineData("7f7f6161ffff")]
    [InlineData("9f01")]
    [InlineData("a1f600")]
    [InlineData("a2616101616102")]
    [InlineData("9bffffffffffffffff")]
    [InlineData("bb7fffffffffffffff")]
    [InlineData("5bffffffffffffffff")]
    [InlineData("7b7fffffffffffffff6161")]
    [InlineData("c06161")]
    [InlineData("c07818323031332d30332d33325432303a30343a30302b30303a3030")]
    [InlineData("c1fb7ff0000000000000")]
    [InlineData("c11bffffffffffffffff")]
    [InlineData("c26161")]
    [InlineData("c48219ffff01")]
    [InlineData("c482010501")]
    [InlineData("c4830105")]
    [InlineData("c48201f6")]
    [InlineData("c482181d01")]
    [InlineData("c482383801")]
    [InlineData("c482181c181b")]
    [InlineData("c48200c24d01000000000000000000000000")]
    [InlineData("c48200c34cffffffffffffffffffffffff")]
    [InlineData("c49f0105")]
    [InlineData("c49f010506ff")]
    [InlineData("d82541ff")]
    [InlineData("d8456101")]
    [InlineData("d8454101")]
    [InlineData("d9011142c080")]
    [InlineData("d90111416161")]
    [InlineData("d903ea00")]
    [InlineData("d903eaa1011bffffffffffffffff")]
    [InlineData("d9c950a2616101614102")]
    [InlineData("d9c950a16000")]
    [InlineData("d9c950a10000")]
    [InlineData("d9c95181")]
    [InlineData("d9c9528380f6")]
    [InlineData("d9c95383f680a0")]
    [InlineData("d9c95500")]
    [InlineData("d9c9578219ffff80")]
    [InlineData("d9c9578201820001")]
    [InlineData("d9c95883616161611bffffffffffffffff")]
    [InlineData("d9c9591a00010000")]
    [InlineData("d9c95d820120")]
    [InlineData("d9c9611901ff")]
    [InlineData("d9c96120")]
    public void Malformed_objects_are_refused(string hex) =>
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => Decode(hex)).Id);

    [Fact]
    public void Values_may_be_nested_as_deep_as_the_limit()
    {
        Decode(string.Concat(Enumerable.Repeat("81", CodecLimits.MaxDepth)) + "00");
        foreach (var one in new[] { "81", "9f", "d9c950a16161", "a100", "d9ffff", "d9c955", "c1", "d9c951828080" })
        {
            var error = Assert.Throws<IpcException>(() => Decode(string.Concat(Enumerable.Repeat(one, CodecLimits.MaxDepth + 1)) + "00"));
            Assert.Equal(IpcErrors.InvalidData, error.Id);
        }
    }

    [Fact]
    public void A_message_that_would_need_far_more_memory_than_its_size_is_refused()
    {
        // 100,000 empty dictionaries in one byte each.
        var bytes = new byte[100_005];
        bytes[0] = 0x9A;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), 100_000);
        bytes.AsSpan(5).Fill(0xA0);
        Assert.Equal(IpcErrors.MessageTooLarge, Assert.Throws<IpcException>(() => new ObjectDecoder().Decode(bytes)).Id);
        // An honest sender may well send a million small numbers.
        var numbers = Enumerable.Range(0, 1_000_000).Select(static n => (object)(n & 15)).ToArray();
        Assert.True(numbers.AsSpan().SequenceEqual((object[])new ObjectDecoder().Decode(new ObjectEncoder().Encode(numbers))!));
    }

    private static IpcPropertyBag Bag()
    {
        var bag = new IpcPropertyBag();
        bag.Add("a", 1);
        return bag;
    }

    private static object? Decode(string hex) => new ObjectDecoder().Decode(Convert.FromHexString(hex));
}
