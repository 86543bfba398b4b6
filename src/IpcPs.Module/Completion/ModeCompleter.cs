namespace IpcPs.Module.Completion;

/// <summary>Offers the usual permissions.</summary>
public sealed class ModeCompleter : IpcCompleter
{
    private static readonly (string, string?)[] Usual =
    [
        ("600", "u=rw: the owner reads and writes"),
        ("640", "u=rw,g=r: the owner's group reads, too"),
        ("644", "u=rw,g=r,o=r: every user reads"),
        ("660", "u=rw,g=rw: the owner's group reads and writes, too"),
        ("666", "u=rw,g=rw,o=rw: every user reads and writes"),
    ];

    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) => Usual;
}
