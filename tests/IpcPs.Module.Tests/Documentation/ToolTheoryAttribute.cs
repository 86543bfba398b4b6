using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>A theory that needs programs of the machine, and says so if one is missing.</summary>
public sealed class ToolTheoryAttribute : TheoryAttribute
{
    /// <summary>Skips the test if a program is not on PATH.</summary>
    /// <param name="programs">The programs' names.</param>
    public ToolTheoryAttribute(params string[] programs)
    {
        if (programs.FirstOrDefault(static p => Shell.Find(p) is null) is { } missing) Skip = $"{missing} is not on PATH.";
    }
}
