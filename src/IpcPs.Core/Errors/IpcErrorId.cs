namespace IpcPs.Errors;

/// <summary>One kind of failure: the id that scripts test for (<c>$_.FullyQualifiedErrorId</c>), and its category.
/// All ids of the module are the static members of <see cref="IpcErrors"/>.</summary>
/// <param name="Name">The id, <c>Ipc…</c>: stable, part of the interface.</param>
/// <param name="Category">The category that PowerShell shows.</param>
public sealed record IpcErrorId(string Name, IpcErrorCategory Category)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}
