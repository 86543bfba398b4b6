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
        var error = RunWith("/nonexistent", "Start-IpcJob { }").Error();
        Expect(error, "IpcNotFound,", ErrorCategory.ObjectNotFound, "but this program is not pwsh, and PATH has no pwsh.");
        Assert.Equal("Install PowerShell 7.4 or later, and add the folder of pwsh to PATH.", error.ErrorDetails.RecommendedAction);
    }

    [Fact]
    public void A_job_runs_also_where_the_runtime_does_not_call_the_startup_hook()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var pwsh = Path.Combine(folder, "pwsh");
            File.WriteAllText(pwsh, $"#!/bin/sh\nunset DOTNET_STARTUP_HOOKS\nexec '{Build.Dotnet}' '{Build.PwshDll}' \"$@\"\n");
            File.SetUnixFileMode(pwsh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var path = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}";
            // The second session is pwsh's own.
            Assert.Equal(2, RunWith(path, "Start-IpcJob { @(Get-Runspace).Count } | Receive-Job -Wait").Single());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private SessionResult RunWith(string path, string script)
    {
        var before = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", path);
            return Session.Run(script);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", before);
        }
    }
}

/// <summary>Nothing runs beside its tests.</summary>
[CollectionDefinition(nameof(EmbeddedJobTests), DisableParallelization = true)]
public sealed class EmbeddedJobCollection;
