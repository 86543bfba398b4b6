using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Jobs of a program that embeds PowerShell: they run in the pwsh on PATH. Alone, because PATH is the whole process's.</summary>
[Collection(nameof(EmbeddedJobTests))]
public sealed class EmbeddedJobTests : JobTests
{
    [Fact]
    public void Without_pwsh_on_PATH_it_is_said_what_to_do()
    {
        var path = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", "/nonexistent");
            var error = Session.Run("Start-IpcJob { }").Error();
            Expect(error, "IpcNotFound,", ErrorCategory.ObjectNotFound, "but this program is not pwsh, and PATH has no pwsh.");
            Assert.Equal("Install PowerShell 7.4 or later, and add the folder of pwsh to PATH.", error.ErrorDetails.RecommendedAction);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }
}

/// <summary>Nothing runs beside its tests.</summary>
[CollectionDefinition(nameof(EmbeddedJobTests), DisableParallelization = true)]
public sealed class EmbeddedJobCollection;
