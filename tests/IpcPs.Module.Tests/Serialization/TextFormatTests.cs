using System.Management.Automation;
using System.Text;
using CsCheck;
using IpcPs.Module.Serialization;
using IpcPs.Pipes;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Serialization;

/// <summary>Formats Text, Json, Bytes and Auto: what programs in other languages send and expect.</summary>
public sealed class TextFormatTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Theory]
    [InlineData("'a b'", "a b")]
    [InlineData("1.5", "1.5")]
    [InlineData("(1,2,'x')", "1 2 x")]
    [InlineData("[pscustomobject]@{ A = 1 }", "@{A=1}")]
    [InlineData("[datetime]'2024-01-02'", "01/02/2024 00:00:00")]
    [InlineData("[DayOfWeek]::Friday", "Friday")]
    [InlineData("$true", "True")]
    [InlineData("$null", "")]
    [InlineData("''", "")]
    public void Text_is_what_PowerShell_makes_of_a_value(string send, string expected) =>
        Assert.Equal(expected, Transfer(send, "Text", "Text"));

    [Theory]
    [InlineData(IpcFormat.Text)]
    [InlineData(IpcFormat.Object)]
    public void A_long_text_is_encoded_in_no_more_memory_than_it_needs(IpcFormat format)
    {
        var encoder = new MessageEncoder(format);
        var text = new string('ä', 1_000_000);
        encoder.Encode("a short one");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var bytes = encoder.Encode(text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 2_000_000, 2_100_000);
        Assert.True(bytes.EndsWith(Encoding.UTF8.GetBytes(text)));
        Assert.InRange(bytes.Length, 2_000_000, 2_000_005);
    }

    [Fact]
    public void An_object_that_is_too_large_is_refused_before_it_is_copied()
    {
        var encoder = new MessageEncoder(IpcFormat.Object);
        var value = new byte[IpcChannel.MaxStreamMessage];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<IpcException>(() => encoder.Encode(value).Length);
        Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
        Assert.Equal("The object needs 268435461 bytes or more. The limit is 268435456 bytes.", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Theory]
    [InlineData("'a\"b\\'", "\"a\\\"b\\\\\"")]
    [InlineData("1", "1")]
    [InlineData("1.5", "1.5")]
    [InlineData("[double]::NaN", "\"NaN\"")]
    [InlineData("$null", "null")]
    [InlineData("(1,'b',$null,@())", "[1,\"b\",null,[]]")]
    [InlineData("[pscustomobject]@{ B = 1; A = @{ c = $true } }", "{\"B\":1,\"A\":{\"c\":true}}")]
    [InlineData("[ordered]@{ z = 1; 5 = 2 }", "{\"z\":1,\"5\":2}")]
    [InlineData("[DayOfWeek]::Friday", "\"Friday\"")]
    [InlineData("[datetime]::SpecifyKind('2024-01-02T03:04:05', 'Utc')", "\"2024-01-02T03:04:05Z\"")]
    [InlineData("[timespan]'01:02:03'", "\"01:02:03\"")]
    [InlineData("[guid]::Empty", "\"00000000-0000-0000-0000-000000000000\"")]
    [InlineData("([byte[]](1,2,3))", "\"AQID\"")]
    [InlineData("12345678901234567890123n", "12345678901234567890123")]
    [InlineData("18446744073709551615ul", "18446744073709551615")]
    [InlineData("'ä€😀'", "\"ä€\\uD83D\\uDE00\"")]
    [InlineData("\"a`nb\"", "\"a\\nb\"")]
    [InlineData("\"x$([char]0xd800)\"", "\"x\\ud800\"")]
    [InlineData("{ 1 + 1 }", "\" 1 + 1 \"")]
    public void Json_is_compact_and_one_line(string send, string expected) =>
        Assert.Equal(expected, Transfer(send, "Json", "Text"));

    [Theory]
    [InlineData(
        "{\"a\":1,\"b\":[1.5,\"x\",null,true],\"c\":{\"d\":{}}}",
        "$r.a.GetType().Name + $r.b[0] + $r.b.Count + $r.c.d.GetType().Name",
        "Int641.54PSCustomObject")]
    [InlineData("12345678901234567890123", "$r.GetType().Name", "BigInteger")]
    [InlineData("-0.5e1", "$r", -5.0)]
    [InlineData("{\"a\":1,\"A\":2,\"\":3}", "$r['a'] + $r['A'] * 10 + $r[''] * 100", 321L)]
    [InlineData("{\"psobject\":1}", "$r['psobject']", 1L)]
    [InlineData("\"2024-01-02T03:04:05Z\"", "$r.GetType().Name", "String")]
    [InlineData("\"x\\ud800\\u0041\"", "[int]$r[1], $r.Length -join ' '", "55296 3")]
    [InlineData("\"\\ud800\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4ä$^\"", "$r.Substring(1)", "\"\\/\b\f\n\r\tää$^")]
    [InlineData("{\"\\ud800\":1}", "[int]@($r.psobject.Properties)[0].Name[0]", 55296)]
    [InlineData("  [ ]  ", "$r.Count", 0)]
    public void Json_arrives_as_custom_objects_and_arrays(string json, string look, object expected) =>
        Assert.Equal(expected, Transfer("$args[0]", "Text", "Json", look, json));

    [Fact]
    public void Any_text_goes_through_Json_and_back()
    {
        var encoder = new MessageEncoder(IpcFormat.Json);
        Values.Text.Sample(
            text => (string?)JsonDecoder.Decode(encoder.Encode(text).ToArray(), IpcErrors.InvalidData) == text,
            iter: 2000,
            threads: 1);
    }

    [Theory]
    [InlineData("([byte[]](1,2,255))", "1 2 255")]
    [InlineData("([sbyte[]](1,2))", "1 2")]
    [InlineData("[byte]7", "7")]
    [InlineData("(1,2,3)", "1 2 3")]
    [InlineData("65", "65")]
    [InlineData("'aä'", "97 195 164")]
    [InlineData("([IO.MemoryStream]::new([byte[]](9,8)))", "9 8")]
    public void Bytes_are_bytes(string send, string expected) =>
        Assert.Equal(expected, Transfer(send, "Bytes", "Bytes", "\"$r\""));

    [Theory]
    [InlineData("Text", "\"x$([char]0xd800)\"", "IpcInvalidArgument", "surrogate")]
    [InlineData("Bytes", "256", "IpcInvalidArgument", "256")]
    [InlineData("Bytes", "([sbyte[]](1,-2))", "IpcInvalidArgument", "-2 is not a byte")]
    [InlineData("Bytes", "(1,'x')", "IpcInvalidArgument", "System.String")]
    [InlineData("Bytes", "@{ a = 1 }", "IpcInvalidArgument", "Hashtable")]
    [InlineData("Bytes", "1.5", "IpcInvalidArgument", "System.Double")]
    public void A_value_that_a_format_has_no_form_for_is_refused(string format, string send, string id, string part)
    {
        var error = Run($"$p = New-IpcPipe; Send-IpcMessage $p -InputObject ({send}) -Format {format}").Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
        Assert.Contains(part, error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("616263", IpcFormat.Auto, "abc")]
    [InlineData("c3a4", IpcFormat.Auto, "ä")]
    [InlineData("", IpcFormat.Auto, "")]
    [InlineData("c3", IpcFormat.Auto, new byte[] { 0xC3 })]
    [InlineData("ff00", IpcFormat.Auto, new byte[] { 0xFF, 0 })]
    [InlineData("616263", IpcFormat.Bytes, new byte[] { 0x61, 0x62, 0x63 })]
    [InlineData("7b7d", IpcFormat.Text, "{}")]
    public void Bytes_without_an_envelope_are_read_as_asked(string hex, IpcFormat requested, object expected) =>
        Assert.Equal(expected, new MessageDecoder().Decode(Message(hex), requested));

    [Theory]
    [InlineData("c3", IpcFormat.Text, "UTF-8")]
    [InlineData("7b", IpcFormat.Json, "JSON")]
    [InlineData("", IpcFormat.Json, "JSON")]
    [InlineData("7b7d7b7d", IpcFormat.Json, "JSON")]
    [InlineData("22ff22", IpcFormat.Json, "JSON")]
    [InlineData("00", IpcFormat.Object, "Object")]
    public void A_message_that_is_not_in_the_requested_format_is_refused(string hex, IpcFormat requested, string part)
    {
        var error = Assert.Throws<IpcException>(() => new MessageDecoder().Decode(Message(hex), requested));
        Assert.Equal(IpcErrors.FormatMismatch, error.Id);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.RecommendedAction);
    }

    [Theory]
    [InlineData("Text")]
    [InlineData("Json")]
    public void An_object_is_not_received_as_text(string requested)
    {
        var error = Run($"$p = New-IpcPipe; Send-IpcMessage $p 1; Receive-IpcMessage $p -Timeout 10 -Format {requested}").Error();
        Assert.StartsWith("IpcFormatMismatch,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("Auto or Object", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public void Garbage_in_an_envelope_is_one_error_and_the_next_message_arrives()
    {
        var result = Run("""
            $p = New-IpcPipe
            Send-IpcMessage $p ([byte[]](0xC1, 1, 0, 1, 3, 0, 0, 0, 0x82, 1, 0xFF)) -Format Bytes
            Send-IpcMessage $p 'next'
            Close-IpcObject $p.Writer
            Receive-IpcMessage $p -Timeout 10 -All
            """);
        Assert.Equal("next", Assert.Single(result.Values));
        Assert.StartsWith("IpcInvalidData,", Assert.Single(result.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidData, result.Errors[0].CategoryInfo.Category);
    }

    [Fact]
    public void Json_leaves_out_cycles_and_deep_values_with_a_warning()
    {
        var encoder = new MessageEncoder(IpcFormat.Json);
        var list = new List<object>();
        list.Add(list);
        Assert.Equal("[\"(cycle: System.Collections.Generic.List`1[System.Object])\"]", Encoding.UTF8.GetString(encoder.Encode(list)));
        Assert.Single(encoder.Warnings);
        object deep = 1;
        for (var i = 0; i < 100; i++) deep = new[] { deep };
        var json = encoder.Encode(deep).ToArray();
        Assert.Single(encoder.Warnings);
        Assert.NotNull(JsonDecoder.Decode(json, IpcErrors.InvalidData));
        encoder.Encode(1);
        Assert.Empty(encoder.Warnings);
    }

    [Fact]
    public void Json_with_many_names_twice_is_read_and_the_last_value_counts()
    {
        const int Count = 100_000;
        var names = Enumerable.Range(0, Count).Select(static i => $"\"n{i}\":1").Prepend("\"\":0");
        var json = "{" + string.Join(',', names.Concat(Enumerable.Range(0, Count).Select(static i => $"\"n{i}\":2"))) + "}";
        // No measurement: replacing each value by its key would take hours.
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var value = JsonDecoder.Decode(Encoding.UTF8.GetBytes(json), IpcErrors.InvalidData, limit.Token);
        var table = Assert.IsType<System.Collections.Specialized.OrderedDictionary>(value);
        Assert.Equal(Count + 1, table.Count);
        Assert.Equal([0L, 2L, 2L], [table[""], table[1], table[$"n{Count - 1}"]]);
    }

    [Theory]
    [InlineData("Object")]
    [InlineData("Json")]
    [InlineData("Bytes")]
    public void Ctrl_C_ends_the_encoding_of_a_value_that_does_not_end(string format)
    {
        var endless = new Endless();
        using var running = _session.Start($"$p = New-IpcPipe; Send-IpcMessage $p -InputObject $args[0] -Format {format}", endless);
        Assert.True(endless.HasBegun.Wait(TimeSpan.FromSeconds(60)));
        Assert.True(running.Stop().WasStopped);
    }

    [Fact]
    public void Large_values_are_cancelled_while_they_are_decoded()
    {
        var cancelled = new CancellationToken(canceled: true);
        var json = Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Repeat("1", 5000)) + "]");
        Assert.Throws<OperationCanceledException>(() => JsonDecoder.Decode(json, IpcErrors.InvalidData, cancelled));
        var objects = new MessageEncoder(IpcFormat.Object).Encode(new object[5000]).ToArray();
        using var pipe = AnonymousPipe.Create();
        pipe.Send(objects, new SendOptions { Format = IpcFormat.Object });
        var message = new MessageBuffer();
        pipe.Receive(message);
        Assert.Throws<OperationCanceledException>(() => new MessageDecoder().Decode(message, IpcFormat.Auto, cancelled));
    }

    private static MessageBuffer Message(string hex)
    {
        using var pipe = AnonymousPipe.Create();
        // As a line, which arrives without an envelope.
        pipe.Send([.. Convert.FromHexString(hex), (byte)'\n'], new SendOptions { Format = IpcFormat.Bytes });
        var message = new MessageBuffer();
        pipe.Receive(message);
        return message;
    }

    private object? Transfer(string value, string sentAs, string receivedAs, string look = "$r", params object?[] arguments)
    {
        var script = $"""
            $p = New-IpcPipe
            Send-IpcMessage $p -InputObject ({value}) -Format {sentAs}
            $r = Receive-IpcMessage $p -Format {receivedAs} -Timeout 10
            {look}
            """;
        return Run(script, arguments).Single();
    }

    private SessionResult Run(string script, params object?[] arguments) => _session.Run(script, arguments);

    private sealed class Endless : System.Collections.IEnumerable
    {
        public ManualResetEventSlim HasBegun { get; } = new();

        public System.Collections.IEnumerator GetEnumerator()
        {
            while (true)
            {
                HasBegun.Set();
                Thread.Yield();
                yield return (byte)1;
            }
        }
    }
}
