using System.Xml.Linq;
using IpcPs.Inventory;
using IpcPs.Measurement;
using IpcPs.Pipes;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Measurement;

public sealed class MeasurementTests : IDisposable
{
    private readonly DuplexPipe _control = DuplexPipe.Create();
    private readonly Thread _peer;

    public MeasurementTests()
    {
        _peer = new Thread(() => LoadPeer.Run(_control.Far)) { IsBackground = true };
        _peer.Start();
    }

    public static TheoryData<MeasuredMechanism> Channels =>
        [.. Enum.GetValues<MeasuredMechanism>().Where(static m => m != MeasuredMechanism.Signal)];

    public void Dispose()
    {
        // The end of the stream ends the peer.
        _control.Near.Dispose();
        _peer.Join();
        _control.Dispose();
    }

    [Theory]
    [MemberData(nameof(Channels))]
    public void Every_mechanism_is_measured_and_leaves_nothing_behind(MeasuredMechanism mechanism)
    {
        var meter = new MechanismMeter(_control.Near, Environment.ProcessId);
        foreach (var size in new[] { 100, 4096 })
        {
            var result = meter.Measure(mechanism, size, 20);
            Assert.Equal((mechanism, size, 20), (result.Mechanism, result.Size, result.RoundTrips));
            Assert.True(result.MedianMicroseconds > 0 && result.P99Microseconds >= result.MedianMicroseconds, $"{result}");
            Assert.True(result.CpuMicroseconds > 0, $"{result}");
            // UDP loses what the receiver does not take in time.
            if (mechanism == MeasuredMechanism.Udp) Assert.Null(result.MessagesPerSecond);
            else Assert.Equal(result.BytesPerSecond!.Value, result.MessagesPerSecond!.Value * size, 3);
        }
        var left = IpcInventory.List([], all: false, out _);
        Assert.DoesNotContain(left, o => o.Address.Text.Contains("ipcps-measure", StringComparison.Ordinal)
            && o.Holders.Any(h => h.ProcessId == Environment.ProcessId));
    }

    [Fact]
    public void A_message_that_is_too_large_is_an_error_and_the_peer_goes_on()
    {
        var meter = new MechanismMeter(_control.Near, Environment.ProcessId);
        var error = Assert.Throws<IpcException>(() => meter.Measure(MeasuredMechanism.Udp, 65536, 20));
        Assert.Equal(IpcErrors.MessageTooLarge, error.Id);
        Assert.Equal("A message of 65536 bytes is larger than the 65507 bytes that it can have.", error.Message);
        Assert.Equal(20, meter.Measure(MeasuredMechanism.Pipe, 100, 20).Messages);
    }

    [Needs("python3")]
    public void A_peer_in_another_language_can_count_and_its_end_is_an_error()
    {
        // Envelopes: docs/wire-format.md. The control channel is two pipes that the peer inherits by path.
        using var control = DuplexPipe.Create();
        using var peer = Peer.StartPython("import sys; open(sys.argv[1], 'rb').read(1)",
            $"/proc/{Environment.ProcessId}/fd/{control.Far.Address.Descriptor}");
        control.Far.Dispose();
        var meter = new MechanismMeter(control.Near, peer.Id);
        var error = Assert.Throws<IpcException>(() => meter.Measure(MeasuredMechanism.Pipe, 100, 20));
        Assert.Equal(IpcErrors.PeerClosed, error.Id);
    }

    [Fact]
    public void The_chart_is_well_formed_and_says_in_words_what_it_shows()
    {
        var chart = MeasurementChart.Draw(
        [
            new(MeasuredMechanism.Ring, 100) { MedianMicroseconds = 0.5, P99Microseconds = 3, MessagesPerSecond = 2.5e7 },
            new(MeasuredMechanism.Udp, 4096) { MedianMicroseconds = 12.3, P99Microseconds = 150 },
        ]);
        XNamespace svg = "http://www.w3.org/2000/svg";
        var root = XDocument.Parse(chart).Root!;
        Assert.Equal("img", root.Attribute("role")!.Value);
        Assert.Equal("Speed of IPC mechanisms between two processes", root.Element(svg + "title")!.Value);
        Assert.Equal("Ring, 100 B: 25 M messages a second, round trip 0.5 µs. Udp, 4 KiB: round trip 12.3 µs.",
            root.Element(svg + "desc")!.Value);
        Assert.Single(root.Elements(svg + "rect"));
        Assert.Contains("prefers-color-scheme:dark", root.Element(svg + "style")!.Value, StringComparison.Ordinal);
        Assert.All(root.Elements(svg + "text"), t => Assert.InRange((int)t.Attribute("x")!, 0, 720));
    }
}
