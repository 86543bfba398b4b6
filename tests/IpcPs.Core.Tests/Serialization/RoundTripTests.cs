using System.Collections;
using System.Collections.Specialized;
using System.Formats.Cbor;
using CsCheck;
using IpcPs.Serialization;
using Xunit;

namespace IpcPs.Tests.Serialization;

public class RoundTripTests
{
    [Fact]
    public void Every_value_arrives_as_what_it_was()
    {
        Values.Any.Sample(
            static value =>
            {
                var encoder = new ObjectEncoder();
                var payload = encoder.Encode(value);
                return encoder.Warnings.Count == 0 && Values.Same(value, new ObjectDecoder().Decode(payload));
            },
            iter: 3000);
    }

    [Fact]
    public void What_is_sent_is_well_formed_to_the_reader_of_the_package()
    {
        Values.Any.Sample(
            static value =>
            {
                var reader = new CborReader(new ObjectEncoder().Encode(value), CborConformanceMode.Strict);
                reader.SkipValue();
                return reader.BytesRemaining == 0;
            },
            iter: 2000);
    }

    [Fact]
    public void Decimals_and_bignums_are_exchanged_with_the_package()
    {
        var decoder = new ObjectDecoder();
        var encoder = new ObjectEncoder();
        Values.Decimal.Sample(
            value =>
            {
                var writer = new CborWriter();
                writer.WriteDecimal(value);
                // The bytes may differ: the package writes some integers as bignums. And it reads 0.00 as 0.
                var read = new CborReader(encoder.Encode(value)).ReadDecimal();
                return value == read && Values.Same(value, decoder.Decode(writer.Encode()));
            },
            iter: 3000,
            threads: 1);
        Values.Integer.Sample(
            value =>
            {
                var writer = new CborWriter();
                writer.WriteBigInteger(value);
                var bytes = writer.Encode();
                return encoder.Encode(value).Span.SequenceEqual(bytes) && value.Equals(decoder.Decode(bytes));
            },
            iter: 3000,
            threads: 1);
    }

    [Fact]
    public void Arrays_that_the_runtime_takes_for_others_keep_their_type()
    {
        Assert.Equal([-1, 2], Assert.IsType<sbyte[]>(RoundTrip(new sbyte[] { -1, 2 })));
        Assert.Equal([uint.MaxValue], Assert.IsType<uint[]>(RoundTrip(new[] { uint.MaxValue })));
        Assert.Equal([(sbyte)-1], Assert.IsType<List<sbyte>>(RoundTrip(new List<sbyte> { -1 })));
        Assert.Equal([(byte)1], Assert.IsType<List<byte>>(RoundTrip(new List<byte> { 1 })));
        Assert.Equal("B", Assert.IsType<IpcEnum>(Assert.Single(Assert.IsType<object?[]>(RoundTrip(new[] { Narrow.B })))).Name);
        Assert.Equal("Friday", Assert.IsType<IpcEnum>(Assert.Single(Assert.IsType<object?[]>(RoundTrip(new[] { DayOfWeek.Friday })))).Name);
        var fromOne = Array.CreateInstance(typeof(int), [2], [1]);
        Assert.Equal([0, 0], Assert.IsType<object?[]>(RoundTrip(fromOne)));
    }

    [Fact]
    public void An_encoder_and_a_decoder_serve_many_messages()
    {
        var encoder = new ObjectEncoder();
        var decoder = new ObjectDecoder();
        Values.Any.Array[1, 10].Sample(
            values => values.All(value => Values.Same(value, decoder.Decode(encoder.Encode(value)))),
            iter: 200,
            threads: 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(23)]
    [InlineData(24)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(70_000)]
    public void Heads_grow_with_the_number_of_items(int count)
    {
        var bag = new IpcPropertyBag();
        for (var i = 0; i < count; i++) bag.Add("p" + i, i);
        Assert.True(Values.Same(bag, RoundTrip(bag)));
        var table = new OrderedDictionary();
        for (var i = 0; i < count; i++) table["p" + i] = i;
        Assert.True(Values.Same(table, RoundTrip(table)));
        var list = new ArrayList(Enumerable.Range(0, count).ToArray());
        Assert.True(Values.Same(list, RoundTrip(list)));
    }

    [Fact]
    public void Dictionaries_are_looked_up_in_any_case_unless_their_keys_differ_only_by_it()
    {
        var table = Assert.IsType<Hashtable>(RoundTrip(new Dictionary<string, int> { ["Key"] = 1 }));
        Assert.Equal(1, table["KEY"]);
        table = Assert.IsType<Hashtable>(RoundTrip(new Hashtable { ["key"] = 1, ["KEY"] = 2 }));
        Assert.Equal(2, table.Count);
        Assert.Equal(2, table["KEY"]);
        Assert.Equal(7, Assert.IsType<Hashtable>(RoundTrip(new Hashtable { [5] = 7, [Guid.Empty] = 8 }))[5]);
    }

    [Fact]
    public void Enums_arrive_with_name_and_number()
    {
        var day = Assert.IsType<IpcEnum>(RoundTrip(DayOfWeek.Friday));
        Assert.Equal("System.DayOfWeek", day.TypeName);
        Assert.Equal("Friday", day.ToString());
        Assert.Equal(5, day.Value);
        Assert.True(day.Equals("friday"));
        Assert.True(day.Equals(5));
        Assert.True(day.Equals((object)DayOfWeek.Friday));
        Assert.False(day.Equals((object)DayOfWeek.Monday));
        Assert.Equal("ReadOnly, Hidden", RoundTrip(FileAttributes.ReadOnly | FileAttributes.Hidden)!.ToString());
        Assert.Equal(-1, Assert.IsType<IpcEnum>(RoundTrip(Wide.All)).Value);
    }

    [Fact]
    public void Sets_queues_and_other_collections_keep_what_they_hold()
    {
        Assert.Equal([1, "two"], Assert.IsType<HashSet<object?>>(RoundTrip(new HashSet<object> { 1, "two" })));
        Assert.Equal([1, 2], Assert.IsType<object?[]>(RoundTrip(new Queue<int>([1, 2]))));
        Assert.Equal([1, 2, 3, 4], Assert.IsType<object?[]>(RoundTrip(new[,] { { 1, 2 }, { 3, 4 } })));
        Assert.Equal(["a"], Assert.IsType<object?[]>(RoundTrip(Enumerable.Repeat("a", 1).Where(static text => text.Length > 0))));
    }

    [Fact]
    public void Objects_arrive_as_their_properties()
    {
        var encoder = new ObjectEncoder(maxObjectDepth: 2);
        var copy = Assert.IsType<IpcPropertyBag>(new ObjectDecoder().Decode(encoder.Encode(new Sample("x", 3))));
        Assert.True(copy.IsCopy);
        Assert.Equal([typeof(Sample).FullName!, "System.Object"], copy.TypeNames);
        Assert.Equal("x", copy["name"]);
        Assert.Null(copy["Broken"]);
        Assert.Equal(["Name", "Size", "Broken", "Inner"], copy.Keys);
        var inner = Assert.IsType<IpcPropertyBag>(copy["Inner"]);
        Assert.Equal("inner of x", inner["Text"]);
        Assert.Equal("bottom", inner["Deeper"]);
        // A copy is forwarded completely, at any depth.
        Assert.True(Values.Same(copy, RoundTrip(copy)));
        Assert.Equal("{ Text = inner of x, Deeper = bottom }", Assert.IsType<IpcPropertyBag>(RoundTrip(new Sample("x", 3)))["Inner"]);
    }

    [Fact]
    public void Cycles_are_left_out_with_a_mark_and_a_warning()
    {
        var table = new Hashtable { ["one"] = 1 };
        table["self"] = new object[] { table };
        var encoder = new ObjectEncoder();
        var copy = Assert.IsType<Hashtable>(new ObjectDecoder().Decode(encoder.Encode(table)));
        var mark = Assert.IsType<IpcOmitted>(Assert.IsType<object?[]>(copy["self"])[0]);
        Assert.Equal(IpcOmission.Cycle, mark.Reason);
        Assert.Equal("(cycle: System.Collections.Hashtable)", mark.ToString());
        Assert.Contains("contains itself", Assert.Single(encoder.Warnings), StringComparison.Ordinal);
        Assert.True(Values.Same(new object[] { 1 }, new ObjectDecoder().Decode(encoder.Encode(new object[] { 1 }))));
        Assert.Empty(encoder.Warnings);
        var shared = new object[] { 1 };
        Assert.True(Values.Same(new object[] { shared, shared }, RoundTrip(new object[] { shared, shared })));
    }

    [Fact]
    public void What_is_nested_too_deeply_is_left_out_with_a_mark_and_a_warning()
    {
        object value = "bottom";
        for (var i = 0; i < CodecLimits.MaxDepth + 5; i++) value = i % 2 == 0 ? new object[] { value } : new Hashtable { ["in"] = value };
        var encoder = new ObjectEncoder();
        var at = new ObjectDecoder().Decode(encoder.Encode(value));
        Assert.Single(encoder.Warnings);
        var depth = 0;
        for (; at is not IpcOmitted; depth++) at = at is Hashtable table ? table["in"] : ((object?[])at!)[0];
        Assert.Equal(CodecLimits.MaxDepth, depth);
        Assert.Equal(IpcOmission.Depth, ((IpcOmitted)at).Reason);
    }

    [Fact]
    public void A_collection_that_throws_leaves_the_encoder_usable()
    {
        var encoder = new ObjectEncoder();
        Assert.Throws<InvalidOperationException>(() => encoder.Encode(new object[] { 1, Failing() }));
        Assert.True(Values.Same(new object[] { 1 }, new ObjectDecoder().Decode(encoder.Encode(new object[] { 1 }))));

        static IEnumerable<int> Failing()
        {
            yield return 1;
            throw new InvalidOperationException("broken");
        }
    }

    [Fact]
    public void Most_messages_are_encoded_without_an_allocation()
    {
        var encoder = new ObjectEncoder();
        object[] values = ["text", 42, 1.5, DateTime.UtcNow, Guid.NewGuid(), new object[] { 1, "two" }];
        foreach (var value in values) encoder.Encode(value);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var value in values) encoder.Encode(value);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static object? RoundTrip(object? value) => new ObjectDecoder().Decode(new ObjectEncoder().Encode(value));

    private enum Narrow : byte
    {
        A,
        B,
    }

    private enum Wide : ulong
    {
        All = ulong.MaxValue,
    }

    private sealed record Bottom
    {
        public override string ToString() => "bottom";
    }

    private sealed class Sample(string name, int size)
    {
        public string Name => name;
        public int Size => size;
        public string Broken => throw new InvalidOperationException("broken");
        public object Inner => new { Text = "inner of " + Name, Deeper = new Bottom() };
        public int this[int index] => index;
    }
}
