using System.Globalization;
using IpcPs.Connections;

namespace IpcPs.Diagrams;

/// <summary>What a diagram shows, without places: processes, and the objects that link them.</summary>
internal sealed class DiagramGraph
{
    private const string Job = "job";

    private readonly Dictionary<int, int> _indexes = [];

    public List<ConnectedProcess> Processes { get; } = [];

    public List<DiagramLink> Links { get; } = [];

    public static DiagramGraph Of(IReadOnlyList<IpcConnection> connections)
    {
        var graph = new DiagramGraph();
        foreach (var group in connections.GroupBy(KeyOf))
        {
            graph.Links.Add(graph.LinkOf([.. group]));
        }
        return graph;
    }

    // Connections through the same object are one link. So are the jobs of a process, and what connects two processes without a name.
    private static (string, string, int, int, IpcConnectionState, int?) KeyOf(IpcConnection connection) => connection.Kind == Job
        ? (Job, "", connection.From.ProcessId, 0, default, null)
        : connection.IsUnnamed ? (connection.Kind, "", connection.From.ProcessId, connection.To.ProcessId, connection.State, null)
        : (connection.Kind, connection.AddressText, 0, 0, connection.State, connection.Deadlock);

    /// <summary>In words, for a reader who does not see the picture.</summary>
    public string Describe()
    {
        if (Links.Count == 0) return "No connections.";
        var lines = Links.Select(link =>
        {
            var from = Names(link, static e => e.Sends && !e.Receives);
            var to = Names(link, static e => e.Receives && !e.Sends);
            var both = Names(link, static e => e.Sends && e.Receives);
            var who = from.Length == 0 || to.Length == 0 ? string.Join(", ", new[] { from, to, both }.Where(static n => n.Length > 0))
                : (both.Length > 0 ? $"{both}, " : "") + $"{from} {(link.IsWait ? "waits for" : "to")} {to}";
            return $"{link.FullText}{(link.Detail is null ? "" : $" ({link.Detail})")}: {who}.";
        });
        return string.Create(CultureInfo.InvariantCulture, $"{Processes.Count} processes. ") + string.Join(' ', lines);
    }

    private string Names(DiagramLink link, Func<DiagramEnd, bool> wanted) => string.Join(", ",
        link.Ends.Where(wanted).Select(e => DiagramText.Clean(Processes[e.Process].ToString())));

    private DiagramLink LinkOf(List<IpcConnection> connections)
    {
        var first = connections[0];
        var ends = new List<DiagramEnd>();
        foreach (var connection in connections)
        {
            var isBoth = connection.Direction == IpcConnectionDirection.Both && connection.State != IpcConnectionState.Waits;
            Add(ends, connection.From, isFrom: true, isBoth);
            Add(ends, connection.To, isFrom: false, isBoth);
        }
        var bare = first.Kind == Job ? connections.Count == 1 ? Job : "jobs" : !first.IsUnnamed ? first.AddressText
            : connections.Count == 1 ? first.Kind : string.Create(CultureInfo.InvariantCulture, $"{connections.Count} {first.Kind}s");
        var full = DiagramText.Clean(bare);
        return new DiagramLink
        {
            Text = DiagramText.Shorten(full, DiagramText.LongestLabel),
            FullText = full,
            Detail = DetailOf(connections),
            Family = DiagramFamily.Of(first),
            IsWait = first.State == IpcConnectionState.Waits,
            IsDeadlock = first.Deadlock is not null,
            Ends = ends,
        };
    }

    private static string? DetailOf(List<IpcConnection> connections)
    {
        var first = connections[0];
        // Each socket has bytes of its own; of a queue or a ring, each connection tells the same.
        var isSum = first.IsUnnamed || first.Scheme is IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp;
        var depth = isSum && first.DepthUnit == "bytes" ? connections.Sum(static c => c.Depth) : connections.Max(static c => c.Depth);
        var unit = depth == 1 ? first.DepthUnit?.TrimEnd('s') : first.DepthUnit;
        string?[] parts =
        [
            first.Deadlock is not null ? "deadlock" : first.State == IpcConnectionState.Waits ? "waits" : null,
            first.State == IpcConnectionState.Holds ? DiagramText.Clean($"held by {first.From}") : null,
            depth > 0 ? string.Create(CultureInfo.InvariantCulture, $"{depth} {unit}") : null,
        ];
        var text = string.Join(", ", parts.Where(static p => p is not null));
        return text.Length > 0 ? text : null;
    }

    private void Add(List<DiagramEnd> ends, ConnectedProcess process, bool isFrom, bool isBoth)
    {
        if (!_indexes.TryGetValue(process.ProcessId, out var index))
        {
            _indexes[process.ProcessId] = index = Processes.Count;
            Processes.Add(process);
        }
        var end = ends.Find(e => e.Process == index);
        if (end is null) ends.Add(end = new DiagramEnd(index));
        end.IsFrom |= isFrom;
        end.IsTo |= !isFrom;
        end.Sends |= isFrom || isBoth;
        end.Receives |= !isFrom || isBoth;
    }
}

/// <summary>An object that links processes.</summary>
internal sealed record DiagramLink
{
    /// <summary>Its label.</summary>
    public required string Text { get; init; }

    /// <summary>Its label, not shortened.</summary>
    public required string FullText { get; init; }

    /// <summary>A second line: what waits in it, or what the processes do; null for none.</summary>
    public string? Detail { get; init; }

    public required DiagramFamily Family { get; init; }

    public bool IsWait { get; init; }

    public bool IsDeadlock { get; init; }

    public required List<DiagramEnd> Ends { get; init; }

    /// <summary>Whether it shows which process receives: memory and free locks have no direction.</summary>
    public bool HasArrows => IsWait || !Family.IsShared;

    /// <summary>Whether it is a line between two processes, or else a label with lines to several.</summary>
    public bool IsLine => Ends.Count <= 2;

    /// <summary>The ends on the side where lines begin, and the others. Each side has at least one, unless a process is linked with
    /// itself.</summary>
    public (List<DiagramEnd> Before, List<DiagramEnd> After) Sides()
    {
        var before = Ends.Where(static e => e.IsFrom && !e.IsTo).ToList();
        if (before.Count == 0) before.Add(Ends[0]);
        var after = Ends.Where(e => !before.Contains(e)).ToList();
        return after.Count == 0 ? (before, before) : (before, after);
    }
}

/// <summary>A process at an end of a link.</summary>
/// <param name="process">The index of the process.</param>
internal sealed class DiagramEnd(int process)
{
    public int Process { get; } = process;

    public bool Sends { get; set; }

    public bool Receives { get; set; }

    /// <summary>Whether connections of the link begin here.</summary>
    public bool IsFrom { get; set; }

    /// <summary>Whether connections of the link end here.</summary>
    public bool IsTo { get; set; }
}

/// <summary>Mechanisms that have a colour in common.</summary>
/// <param name="Name">The class of its elements in SVG.</param>
/// <param name="Light">Its colour on a light background.</param>
/// <param name="Dark">Its colour on a dark background.</param>
/// <param name="IsShared">Whether it is memory or a lock, and carries no messages.</param>
internal sealed record DiagramFamily(string Name, string Light, string Dark, bool IsShared = false)
{
    public static readonly DiagramFamily Pipe = new("pipe", "#0860ca", "#6cb6ff");
    public static readonly DiagramFamily Socket = new("socket", "#197935", "#57c26b");
    public static readonly DiagramFamily Queue = new("queue", "#8a5a00", "#e0a83a");
    public static readonly DiagramFamily Ring = new("ring", "#b02a78", "#f58cc0");
    public static readonly DiagramFamily Memory = new("memory", "#7741d2", "#c09bff", IsShared: true);
    public static readonly DiagramFamily Lock = new("lock", "#57606a", "#a3adb9", IsShared: true);
    public static readonly DiagramFamily Job = new("job", "#17727a", "#4fc9d3");

    /// <summary>The colour of a deadlock, whatever its mechanism.</summary>
    public const string LightDeadlock = "#cf222e";

    /// <inheritdoc cref="LightDeadlock"/>
    public const string DarkDeadlock = "#ff6b63";

    public static readonly IReadOnlyList<DiagramFamily> All = [Pipe, Socket, Queue, Ring, Memory, Lock, Job];

    public static DiagramFamily Of(IpcConnection connection) => connection.Scheme switch
    {
        IpcScheme.Pipe or IpcScheme.Fifo or IpcScheme.Fd => Pipe,
        IpcScheme.Unix or IpcScheme.Tcp or IpcScheme.Udp => Socket,
        IpcScheme.Mq or IpcScheme.SysVMq => Queue,
        IpcScheme.Ring => Ring,
        IpcScheme.Shm or IpcScheme.SysVShm or IpcScheme.File or IpcScheme.MemFd => Memory,
        null when connection.Kind == "job" => Job,
        _ => Lock,
    };
}
