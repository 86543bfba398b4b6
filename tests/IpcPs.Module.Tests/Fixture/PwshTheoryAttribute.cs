using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>A theory that needs pwsh, and says so where there is none.</summary>
public sealed class PwshTheoryAttribute : TheoryAttribute
{
    /// <summary>Skips the test where pwsh is not on PATH.</summary>
    public PwshTheoryAttribute()
    {
        if (ModuleSession.Pwsh is null) Skip = "pwsh is not on PATH.";
    }
}
