using Xunit;

namespace IpcPs.Module.Tests.Pester;

/// <summary>What a user does, in tests/Pester.</summary>
public class PesterTests
{
    [PesterFact]
    public void Passes(string file, int index, string name)
    {
        var result = PesterRun.Run(file)[index];
        Assert.Equal(name, result.Name);
        if (!result.Passed) Assert.Fail(result.Failure);
    }
}
