using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>A test that needs pwsh, and says so where there is none.</summary>
public sealed class PwshFactAttribute : FactAttribute
{
    /// <summary>Skips the test where pwsh is not on PATH.</summary>
    public PwshFactAttribute()
    {
        if (ModuleSession.Pwsh is null) Skip = "pwsh is not on PATH.";
    }
}
