using System.Xml.Linq;
using IpcPs.Connections;
using IpcPs.Diagrams;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Diagrams;

public sealed class DiagramTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private static readonly IpcScheme?[] Schemes =
        [IpcScheme.Pipe, IpcScheme.Unix, IpcScheme.Mq, IpcScheme.Ring, IpcScheme.Shm, IpcScheme.Mutex, null];

    [Theory]
    [InlineData(3, 1)]
    [InlineData(10, 2)]
    [InlineData(30, 3)]
    [InlineData(30, 4)]
    public void No_box_overlaps_another_and_no_line_crosses_one(int processes, int seed)
    {
        var graph = DiagramGraph.Of(Random(processes, seed));
        foreach (var isVertical in new[] { false, true })
        {
            var layout = SvgDiagram.LayoutOf(graph, isVertical);
            DiagramBox[] boxes = [.. layout.Processes, .. layout.Labels];
            Assert.Equal(graph.Processes.Count + graph.Links.Count, boxes.Length);
            for (var i = 0; i < boxes.Length; i++)
            {
                Assert.InRange(boxes[i].X, -0.01, layout.Width - boxes[i].Width + 0.01);
                Assert.InRange(boxes[i].Y, -0.01, layout.Height - boxes[i].Height + 0.01);
                for (var j = i + 1; j < boxes.Length; j++) Assert.False(boxes[i].Overlaps(boxes[j]), $"{i} and {j}");
            }
            Assert.All(layout.Lines, line => Assert.All(line.Points.Zip(line.Points.Skip(1)), part =>
            {
                // A curve stays in the gap between two layers, and between the places of its ends.
                var (from, to) = part;
                if (Math.Abs(from.X - to.X) + Math.Abs(from.Y - to.Y) < 0.5) return;
                var area = new DiagramBox(Math.Min(from.X, to.X) + 0.1, Math.Min(from.Y, to.Y) + 0.1,
                    Math.Max(Math.Abs(from.X - to.X) - 0.2, 0.01), Math.Max(Math.Abs(from.Y - to.Y) - 0.2, 0.01));
                Assert.DoesNotContain(boxes, b => b.Overlaps(area));
            }));
            Assert.Equal(graph.Links.Sum(static l => l.Ends.Count), layout.Lines.Count);
        }
    }

    [Fact]
    public void Texts_stand_inside_their_boxes_and_long_ones_are_cut_in_the_middle()
    {
        var name = "fifo:/a/very/long/path/to/a/pipe/of/some/program/in/a/folder";
        var picture = Parse(Draw([Of(1, 2, IpcScheme.Fifo, name)], DiagramFormat.Svg));
        foreach (var group in picture.Descendants(Svg + "g").Where(static g => g.Element(Svg + "rect") is not null))
        {
            var width = (double)group.Element(Svg + "rect")!.Attribute("width")!;
            Assert.All(group.Elements(Svg + "text"), t => Assert.True(DiagramText.Width(t.Value, 11) <= width));
        }
        var label = picture.Descendants(Svg + "text").Single(static t => t.Value.Contains('\u2026')).Value;
        Assert.StartsWith("fifo:/a/very", label, StringComparison.Ordinal);
        Assert.EndsWith("a/folder", label, StringComparison.Ordinal);
        // A reader finds the whole text in the tip.
        Assert.Contains(picture.Descendants(Svg + "title"), t => t.Value == name);
    }

    [Fact]
    public void Any_name_gives_well_formed_texts()
    {
        const string Hostile = "</text><script>\"'&\\]]>\u0001\u202Eab\n\uD800|{}#;`";
        IpcConnection[] connections =
        [
            Of(1, 2, IpcScheme.Mq, Hostile) with { From = new ConnectedProcess(1, Hostile, Hostile) },
            Of(2, 1, IpcScheme.Pipe, Hostile, IpcConnectionState.Waits) with { Kind = Hostile },
        ];
        var picture = Parse(Draw(connections, DiagramFormat.Svg, Hostile));
        Assert.Empty(picture.Descendants(Svg + "script"));
        Assert.Contains(picture.Descendants(Svg + "text"), static t => t.Value.StartsWith("</text><script>", StringComparison.Ordinal));
        Assert.DoesNotContain('\u202E', picture.Value);
        var mermaid = Draw(connections, DiagramFormat.Mermaid, Hostile);
        Assert.DoesNotContain("<script", mermaid, StringComparison.Ordinal);
        Assert.All(mermaid.Split('\n').Where(static l => l.Contains('"')), static l => Assert.Equal(2, l.Count(static c => c == '"')));
        var dot = Draw(connections, DiagramFormat.Dot, Hostile);
        Assert.All(dot.Split('\n'), static l => Assert.Equal(0, l.Replace("\\\\", "", StringComparison.Ordinal)
            .Replace("\\\"", "", StringComparison.Ordinal).Count(static c => c == '"') % 2));
    }

    [Fact]
    public void A_picture_has_a_title_and_says_in_words_what_it_shows()
    {
        var connections = new[]
        {
            Of(1, 2, IpcScheme.Mq, "mq:/jobs") with { Depth = 10, DepthUnit = "messages" },
            Of(1, 3, IpcScheme.Mq, "mq:/jobs") with { Depth = 10, DepthUnit = "messages" },
            Of(2, 3, IpcScheme.Mutex, "mutex:a", IpcConnectionState.Waits) with { Deadlock = 1 },
            Of(3, 2, IpcScheme.Mutex, "mutex:b", IpcConnectionState.Waits) with { Deadlock = 1 },
        };
        var text = Draw(connections, DiagramFormat.Svg, "Workers");
        var root = Parse(text);
        Assert.Equal(("img", "ipc-title ipc-desc"), ((string?)root.Attribute("role"), (string?)root.Attribute("aria-labelledby")));
        Assert.Equal("Workers", root.Elements(Svg + "title").Single(static t => (string?)t.Attribute("id") == "ipc-title").Value);
        Assert.Equal("3 processes. mq:/jobs (10 messages): p1(1) to p2(2), p3(3). mutex:a (deadlock): p2(2) waits for p3(3). "
            + "mutex:b (deadlock): p3(3) waits for p2(2).", root.Element(Svg + "desc")!.Value);
        Assert.Contains("@media (prefers-color-scheme: dark)", root.Element(Svg + "style")!.Value, StringComparison.Ordinal);
        // Two processes and their four lines are red; the queue, which both receive from, has one label.
        var classes = root.Descendants().Select(static e => (string?)e.Attribute("class")).ToList();
        Assert.Equal(2, classes.Count(static c => c == "process deadlock"));
        Assert.Equal(4, classes.Count(static c => c == "line deadlock waits"));
        Assert.Equal(1, classes.Count(static c => c == "label queue"));
        Assert.Equal(2, classes.Count(static c => c == "arrow queue"));
        Assert.Equal(text, Draw(connections, DiagramFormat.Svg, "Workers"));
        Assert.Contains("No connections.", Draw([], DiagramFormat.Svg), StringComparison.Ordinal);
    }

    [Fact]
    public void Mermaid_has_a_line_for_two_processes_and_a_label_for_more()
    {
        var text = Draw(
        [
            Of(1, 2, IpcScheme.Pipe, "pipe:1/3") with { IsUnnamed = true, Kind = "anonymous pipe" },
            Of(1, 2, IpcScheme.Shm, "shm:/a", both: true),
            Of(1, 2, IpcScheme.Mq, "mq:/q"),
            Of(1, 3, IpcScheme.Mq, "mq:/q"),
            Of(3, 1, IpcScheme.Mutex, "mutex:m", IpcConnectionState.Waits),
        ], DiagramFormat.Mermaid);
        Assert.Equal("""
            flowchart LR
              accTitle: IPC connections
              p0["p1<br/>pid 1"]
              p1["p2<br/>pid 2"]
              p2["p3<br/>pid 3"]
              p0 -->|"anonymous pipe"| p1
              p0 ---|"shm:/a"| p1
              l2(["mq:/q"])
              p0 --- l2
              l2 --> p1
              l2 --> p2
              p2 -.->|"mutex:m<br/>waits"| p0
              linkStyle 0 stroke:#0860ca,color:#0860ca
              linkStyle 1 stroke:#7741d2,color:#7741d2
              style l2 stroke:#8a5a00,color:#8a5a00
              linkStyle 2,3,4 stroke:#8a5a00,color:#8a5a00
              linkStyle 5 stroke:#57606a,color:#57606a

            """, string.Join('\n', text.Split('\n').Where(static l =>
                !l.StartsWith("  accDescr: 3 processes. anonymous pipe: p1(1) to p2(2). ", StringComparison.Ordinal))));
    }

    [Needs("dot")]
    public void Graphviz_draws_it()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, Draw(Random(30, 5), DiagramFormat.Dot, "a \"b\" \\n"));
            var drawn = XDocument.Parse(Peer.Run("dot", "-Tsvg", file)).Root!;
            Assert.Equal(30, drawn.Descendants(Svg + "text").Count(static t => t.Value.StartsWith("pid ", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static XElement Parse(string svg) => XDocument.Parse(svg).Root!;

    private static string Draw(IReadOnlyList<IpcConnection> connections, DiagramFormat format, string title = "IPC connections") =>
        IpcDiagram.Draw(connections, new DiagramOptions { Format = format, Title = title });

    private static IpcConnection Of(
        int from, int to, IpcScheme? scheme, string text, IpcConnectionState state = default, bool both = false) => new()
        {
            From = new ConnectedProcess(from, $"p{from}"),
            To = new ConnectedProcess(to, $"p{to}"),
            Kind = "object",
            Scheme = scheme,
            AddressText = text,
            State = state,
            Direction = both ? IpcConnectionDirection.Both : IpcConnectionDirection.Forward,
        };

    // Each process is connected with an earlier one, and some with others, so that there are circles.
    private static List<IpcConnection> Random(int processes, int seed)
    {
        var random = new Random(seed);
        var connections = new List<IpcConnection>();
        for (var i = 2; i <= processes; i++)
        {
            Add(random.Next(1, i), i);
            if (random.Next(3) == 0) Add(i, random.Next(1, processes + 1));
        }
        return connections;

        void Add(int from, int to) => connections.Add(Of(
            from, to, Schemes[random.Next(Schemes.Length)], $"object:/{random.Next(processes)}",
            (IpcConnectionState)(random.Next(2) * 2), random.Next(3) == 0));
    }
}
