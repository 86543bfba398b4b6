using Xunit;

namespace IpcPs.Tests.Peers;

/// <summary>A theory that needs programs of the machine, and says so where one is missing.</summary>
internal sealed class NeedsTheoryAttribute : TheoryAttribute
{
    /// <inheritdoc cref="NeedsAttribute(string[])"/>
    public NeedsTheoryAttribute(params string[] programs) => Skip = new NeedsAttribute(programs).Skip;
}
