using System.Management.Automation;
using System.Text;
using CsCheck;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using IpcPs.Tests.Serialization;
using Xunit;
using Xunit.Abstractions;

namespace IpcPs.Module.Tests.Serialization;

/// <summary>As the library's own fuzz tests, with PSObjects at the end: no exception of PowerShell's may come of a peer's bytes
/// either.</summary>
public class DecoderFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Mutated_objects_raise_nothing_but_IpcException()
    {
        var encoder = new ObjectEncoder(PSObjectModel.Instance);
        var originals = new List<byte[]>();
        Values.Any.Sample(value => originals.Add(encoder.Encode(value).ToArray()), iter: 500, threads: 1);
        originals.RemoveAll(static bytes => bytes.Length > 5000);
        var noted = new PSObject("text");
        noted.Properties.Add(new PSNoteProperty("Note", 1));
        for (var i = 0; i < 50; i++)
        {
            originals.Add(encoder.Encode(noted).ToArray());
            originals.Add(encoder.Encode(new ErrorRecord(new IOException("x"), "Id", ErrorCategory.ReadError, 5)).ToArray());
        }
        var decoder = new ObjectDecoder(PSObjectModel.Instance);
        Report(fuzz => fuzz.Run(
            random => Fuzz.Mutate(originals[random.Next(originals.Count)], random),
            bytes => Within(bytes, () =>
            {
                var value = decoder.Decode(bytes);
                StreamRecordReader.Restore(value);
                StreamRecordReader.ToErrorRecord(value);
            })));
    }

    [Fact]
    public void Mutated_json_raises_nothing_but_IpcException()
    {
        var encoder = new MessageEncoder(IpcFormat.Json);
        var originals = new List<byte[]>
        {
            "{\"a\":[1,2.5e3,null,true,\"\\ud83d\\ude00\\n\"],\"psobject\":{},\"A\":-1}"u8.ToArray(),
            "\"\\ud83d \\\" \\\\ \\/ \\b\\f\\n\\r\\t\\u0041\""u8.ToArray(),
            Encoding.UTF8.GetBytes("\"" + new string('9', 50) + "\""),
        };
        Values.Any.Sample(value => originals.Add(encoder.Encode(value).ToArray()), iter: 500, threads: 1);
        originals.RemoveAll(static bytes => bytes.Length > 5000);
        Report(fuzz => fuzz.Run(
            random => Fuzz.Mutate(originals[random.Next(originals.Count)], random),
            bytes => Within(bytes, () => JsonDecoder.Decode(bytes, IpcErrors.InvalidData))));
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("{\"a\":1}", true)]
    [InlineData("1", true)]
    [InlineData("\"\"", true)]
    public void Very_many_of_anything_is_read_or_refused_within_the_limit(string item, bool expected)
    {
        var json = Encoding.ASCII.GetBytes("[" + string.Join(",", Enumerable.Repeat(item, 250_000)) + "]");
        var read = false;
        Within(json, () => read = ((object?[])JsonDecoder.Decode(json, IpcErrors.InvalidData)!).Length == 250_000);
        Assert.Equal(expected, read);
    }

    [Fact]
    public void Very_many_small_objects_are_read_within_the_limit()
    {
        var one = new PSObject();
        one.Properties.Add(new PSNoteProperty("a", 1));
        var bytes = new ObjectEncoder(PSObjectModel.Instance).Encode(Enumerable.Repeat<object>(one, 250_000).ToArray()).ToArray();
        var read = false;
        Within(bytes, () => read = ((object?[])new ObjectDecoder(PSObjectModel.Instance).Decode(bytes)!).Length == 250_000);
        Assert.True(read);
    }

    private static void Within(byte[] bytes, Action decode)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            decode();
        }
        catch (IpcException)
        {
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= CodecLimits.MemoryFor(bytes.Length), $"{allocated} bytes were allocated for {bytes.Length}");
    }

    private void Report(Func<Fuzz, int> run)
    {
        var fuzz = new Fuzz();
        output.WriteLine($"IPCPS_FUZZ_SEED={fuzz.Seed}");
        output.WriteLine($"{run(fuzz)} rounds");
    }
}
