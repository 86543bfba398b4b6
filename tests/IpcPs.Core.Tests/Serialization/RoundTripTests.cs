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
    public void What_is_sent_is_well_formed_to_the_package_s_own_reader()
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
    public void An_encoder_and_a_decoder_serve_many_messages()
    {
        var encoder = new ObjectEncoder();
        var decoder = new ObjectDecoder();
        Values.Any.Array[1, 10].Sample(values => values.All(value => Values.Same(value, decoder.Decode(encoder.Encode(value)))), iter: 200, threads: 1);
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
        Assert.True(Values.Same(new ArrayList(Enumerable.Range(0, count).ToArray()), RoundTrip(new ArrayList(Enumerable.Range(0, count).ToArray()))));
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
        var copy = Assert.IsType<IpcPropertyBag>(new ObjectDecoder().Decode(new ObjectEncoder(maxObjectDepth: 2).Encode(new Sample("x", 3))));
        Assert.True(copy.IsCopy);
        Assert.Equal([typeof(Sample).FullName!, "System.Object"], copy.TypeNames);
        Assert.Equal("x", copy["name"]);
        Assert.Null(copy["Broken"]);
        Assert.Equal(["Name", "Size", "Broken", "Inner"], copy.Keys);
        var inner = Assert.IsType<IpcPropertyBag>(copy["Inner"]);
        Assert.Equal("inner of x", inner["Text"]);
        Assert.Equal("bottom", inner["Deeper"]);
        // A copy is sent on as it is, however deep.
        Assert.True(Values.Same(copy, RoundTrip(copy)));
        Assert.Equal("{ Text = inner of x, Deeper = bottom }", Assert.IsType<IpcPropertyBag>(RoundTrip(new Sample("x", 3)))["Inner"]);
    }

    [Fact]
    public void Cycles_are_cut_with_a_mark_and_a_warning()
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
    public void What_lies_too_deep_is_cut_with_a_mark_and_a_warning_and_the_rest_is_read()
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
    public void Nothing_is_allocated_to_encode_the_usual_message()
    {
        var encoder = new ObjectEncoder();
        object[] values = ["text", 42, 1.5, DateTime.UtcNow, Guid.NewGuid(), new object[] { 1, "two" }];
        foreach (var value in values) encoder.Encode(value);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var value in values) encoder.Encode(value);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static object? RoundTrip(object? value) => new ObjectDecoder().Decode(new ObjectEncoder().Encode(value));

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
