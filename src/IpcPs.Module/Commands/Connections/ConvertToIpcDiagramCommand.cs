using System.Management.Automation;
using IpcPs.Connections;
using IpcPs.Diagrams;

namespace IpcPs.Module.Commands.Connections;

/// <summary><c>ConvertTo-IpcDiagram</c>: draws connections between processes as Mermaid, Graphviz dot or SVG.</summary>
[Cmdlet(VerbsData.ConvertTo, "IpcDiagram")]
[OutputType(typeof(string))]
public sealed class ConvertToIpcDiagramCommand : IpcCmdlet
{
    private readonly List<IpcConnection> _connections = [];

    /// <summary>The connections to draw.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowEmptyCollection]
    public IpcConnection[] InputObject { get; set; } = [];

    /// <summary>The language of the diagram.</summary>
    [Parameter(Position = 0)]
    public DiagramFormat As { get; set; }

    /// <summary>The title of the diagram.</summary>
    [Parameter]
    [ValidateNotNull]
    public string Title { get; set; } = new DiagramOptions().Title;

    /// <summary>Where the receivers are.</summary>
    [Parameter]
    public DiagramDirection Direction { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _connections.AddRange(InputObject);

    /// <inheritdoc/>
    protected override void EndProcessing() => Try(() =>
        WriteObject(IpcDiagram.Draw(_connections, new DiagramOptions { Format = As, Title = Title, Direction = Direction }).TrimEnd('\n')));
}
