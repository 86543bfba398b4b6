using IpcPs.Connections;

namespace IpcPs.Diagrams;

/// <summary>Draws connections between processes as Mermaid, Graphviz dot or SVG.</summary>
/// <remarks>The same connections in the same order give the same text. A process is a box with its name and id. An object that connects two
/// processes is a line with a label. One that connects more is a label with a line to each process. An arrowhead shows which process
/// receives. A dashed line leads from a process that waits to the one that it waits for; a deadlock is red.</remarks>
public static class IpcDiagram
{
    /// <summary>Draws connections.</summary>
    /// <param name="connections">What to draw.</param>
    /// <param name="options">How.</param>
    /// <returns>The text of the diagram.</returns>
    public static string Draw(IReadOnlyList<IpcConnection> connections, DiagramOptions options)
    {
        ArgumentNullException.ThrowIfNull(connections);
        ArgumentNullException.ThrowIfNull(options);
        var graph = DiagramGraph.Of(connections);
        return options.Format switch
        {
            DiagramFormat.Dot => DotWriter.Write(graph, options),
            DiagramFormat.Svg => SvgDiagram.Write(graph, options),
            _ => MermaidWriter.Write(graph, options),
        };
    }
}

/// <summary>How a diagram is drawn.</summary>
public sealed record DiagramOptions
{
    /// <summary>The language.</summary>
    public DiagramFormat Format { get; init; }

    /// <summary>What stands above it.</summary>
    public string Title { get; init; } = "IPC connections";

    /// <summary>Where the receivers are.</summary>
    public DiagramDirection Direction { get; init; }
}

/// <summary>The language of a diagram.</summary>
public enum DiagramFormat
{
    /// <summary>Mermaid, which web pages and editors show.</summary>
    Mermaid,
    /// <summary>The language of Graphviz: dot(1).</summary>
    Dot,
    /// <summary>A picture, for light and dark backgrounds.</summary>
    Svg,
}

/// <summary>The direction from senders to receivers.</summary>
public enum DiagramDirection
{
    /// <summary>Receivers are on the right.</summary>
    LeftToRight,
    /// <summary>Receivers are below.</summary>
    TopToBottom,
}
