using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Loading;

public class ModuleImportTests
{
    [Fact]
    public void The_module_loads_into_an_embedded_session()
    {
        using var session = new ModuleSession();
        var module = Assert.IsType<PSModuleInfo>(session.Run("Get-Module IpcPs").Single());
        Assert.Equal("IpcPs", module.Name);
    }

    [Fact]
    public void A_script_s_streams_and_errors_are_told_apart()
    {
        using var session = new ModuleSession();
        var result = session.Run("$args[0]; $PSCmdlet; throw 'over'", 42);
        Assert.Equal(42, result.Values[0]);
        Assert.True(result.WasTerminated);
        Assert.Equal("over", result.Error().Exception.Message);
    }

    [Fact]
    public void A_running_script_can_be_stopped_as_Ctrl_C_does()
    {
        using var session = new ModuleSession();
        using var running = session.Start("try { 'started'; while ($true) {} } finally { $global:cleaned = $true }");
        Assert.Equal("started", running.WaitForOutput()!.BaseObject);
        Assert.True(running.Stop().WasStopped);
        Assert.Equal(true, session.Get("cleaned"));
    }

    [Fact]
    public void A_job_runs_also_where_the_module_s_folder_cannot_stand_in_a_list_of_paths()
    {
        var folder = Directory.CreateTempSubdirectory("ipcps-colon-").FullName;
        try
        {
            var link = Path.Combine(folder, "a:b");
            Directory.CreateSymbolicLink(link, Build.RepositoryRoot);
            var result = Shell.Pwsh.RunArguments(["-NoProfile", "-Command",
                $"Import-Module '{link}/IpcPs.psd1'; Start-IpcJob {{ \"ran $env:DOTNET_STARTUP_HOOKS\" }} | Receive-Job -Wait"]);
            Assert.Equal(["ran "], result.Succeeded().Lines);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
