using IpcPs.Inventory;
using IpcPs.Watching;
using Xunit;

namespace IpcPs.Module.Tests.Watching;

/// <summary>The frames that Watch-IpcObject draws, as text.</summary>
public sealed class WatchFrameTests : IDisposable
{
    private static readonly DateTime Time = new(2026, 1, 2, 14, 3, 5);

    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void A_frame_shows_what_needs_attention_first_and_fits_80_by_24()
    {
        IpcSample[] samples =
        [
            Sample("mq:/idle", 0, 10),
            Sample("mq:/slow", 3, 10, rate: 2),
            Sample("ring:/fast", 70 * 1024, 1 << 20, IpcDepthUnit.Bytes, rate: 123456, source: IpcRateSource.RingPositions),
            Sample("mq:/full", 10, 10, marks: IpcSampleMarks.Full),
            Sample("mutex:stuck", held: TimeSpan.FromSeconds(75), by: 4711, marks: IpcSampleMarks.StuckLock),
            Sample("mutex:dead", by: 4712, marks: IpcSampleMarks.DeadHolder | IpcSampleMarks.Stale),
            Sample("unix:/tmp/x", 0, 128, IpcDepthUnit.Connections, process: "\u001b[31m\nx"),
        ];
        var lines = Lines(samples, 80, 24);
        Assert.Equal(
        [
            "14:03:05  7 objects  1 full  1 dead  1 stuck  1 stale  123k msg/s  1.2MB/s",
            "ADDRESS                   FILL           DEPTH   MSG/S BYTES/S HOLDERS, STATE",
            "mq:/full                  ████████       10/10                 FULL",
            "mutex:stuck                                                    STUCK 1m15s by 4…",
            "mutex:dead                                                     DEAD 4712",
            "ring:/fast                █░░░░░░░    70KB/1MB    123k   1.2MB pwsh(12)",
            "mq:/slow                  ███░░░░░        3/10      ~2    ~20B pwsh(12)",
            "mq:/idle                  ░░░░░░░░        0/10                 pwsh(12)",
            "unix:/tmp/x               ░░░░░░░░       0/128                 ?[31m?x(12)",
            "q quits.  ~ is at least so much: the change of the depth.",
        ], lines);
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(200, 50)]
    [InlineData(40, 10)]
    [InlineData(20, 4)]
    [InlineData(1, 1)]
    public void A_frame_of_many_objects_fits_any_terminal(int width, int height)
    {
        var samples = Enumerable.Range(0, 500)
            .Select(static i => Sample($"mq:/{new string('q', i % 60)}{i}", i % 11, 10, rate: i)).ToArray();
        var lines = Lines(samples, width, height);
        Assert.True(lines.Count <= height && lines.All(l => l.Length <= width), string.Join('\n', lines));
        if (height > 4) Assert.StartsWith($"{500 - (height - 3)} more.", lines[^1], StringComparison.Ordinal);
        var text = (string)_session.Run("[IpcPs.Module.Commands.Watching.WatchFrame]::Draw($args[0], $args[1], $args[2], $args[3], $true)",
            samples, Time, width, height).Single()!;
        // Home, no other movement, each line cleared to its end, and the rest of the screen: nothing flickers.
        Assert.StartsWith("\e[H", text, StringComparison.Ordinal);
        Assert.EndsWith("\e[K\e[J", text, StringComparison.Ordinal);
        Assert.Equal(lines.Count, text.Split("\r\n").Length);
        Assert.All(text.Split("\r\n"), static l => Assert.Contains("\e[K", l, StringComparison.Ordinal));
        // What clears the rest of a line would clear the last column too.
        var seen = System.Text.RegularExpressions.Regex.Replace(text, "\e\\[[0-9]*[A-Za-z]", "").Split("\r\n");
        Assert.All(seen, l => Assert.InRange(l.Length, 0, Math.Max(width - 1, 1)));
        Assert.DoesNotContain("\e[2J", text, StringComparison.Ordinal);
    }

    private List<string> Lines(IpcSample[] samples, int width, int height) =>
        [.. _session.Run("[IpcPs.Module.Commands.Watching.WatchFrame]::Lines($args[0], $args[1], $args[2], $args[3])",
            samples, Time, width, height).NoErrors().Values.Cast<string>()];

    private static IpcSample Sample(string address, long? depth = null, long? capacity = null, IpcDepthUnit unit = IpcDepthUnit.Messages,
        double? rate = null, IpcRateSource source = IpcRateSource.DepthChanges, TimeSpan? held = null, int? by = null,
        IpcSampleMarks marks = default, string process = "pwsh") => new()
        {
            Time = Time,
            Address = IpcAddress.Parse(address),
            Kind = "",
            Depth = depth,
            Unit = unit,
            Capacity = capacity,
            MessagesPerSecond = rate,
            BytesPerSecond = rate * 10,
            RateSource = source,
            Holders = [new IpcHolder(12, process, "open")],
            HeldBy = by,
            HeldFor = held,
            Marks = marks,
        };
}
