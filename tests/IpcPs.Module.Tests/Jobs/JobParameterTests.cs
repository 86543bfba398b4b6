using IpcPs.Module.Tests.Loading;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>What a job starts with: a script file, an initialization script, a folder, an environment.</summary>
public sealed class JobParameterTests : JobTests
{
    [Fact]
    public void A_file_runs_with_what_its_job_was_given()
    {
        var folder = Directory.CreateTempSubdirectory("ipcps [job] ").FullName;
        try
        {
            var file = Path.Combine(folder, "work.ps1");
            File.WriteAllText(file, "param($a) \"$a $(Get-Double $using:x) $env:IPCPS_NEW [$env:IPCPS_OLD] $kept\"; \"$PWD\"; $input");
            Environment.SetEnvironmentVariable("IPCPS_OLD", "old");
            var result = Session.Run(
                """
                $x = 4
                function Get-Double($n) { 2 * $n }
                Push-Location -LiteralPath (Split-Path $args[0])
                $job = 1, 2 | Start-IpcJob -FilePath ./*.ps1 -ArgumentList first -WorkingDirectory $args[1] `
                    -Environment @{ IPCPS_NEW = 'new one'; IPCPS_OLD = $null } -InitializationScript {
                        "init $env:IPCPS_NEW"; Write-Warning "w$using:x"; $kept = 'kept'
                        ${function:Get-Double} = ${using:function:Get-Double}
                    }
                Receive-Job $job -Wait
                Pop-Location
                $job.JobStateInfo.State
                """, file, folder).NoErrors();
            Assert.Equal(
                ["init new one", "first 8 new one [] kept", folder, 1, 2, System.Management.Automation.JobState.Completed], result.Values);
            Assert.Equal(["w4"], result.Warnings);
        }
        finally
        {
            Environment.SetEnvironmentVariable("IPCPS_OLD", null);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Settings_for_the_process_of_a_job_are_not_for_the_programs_that_it_starts()
    {
        const string Script = "@(/usr/bin/env) -match '^(DOTNET_(T|GC)|POWERSHELL_TELEMETRY)' | Sort-Object";
        var result = Session.Run($$"""
            $before = $env:POWERSHELL_TELEMETRY_OPTOUT
            try {
                $env:POWERSHELL_TELEMETRY_OPTOUT = $null
                Start-IpcJob {
                    {{Script}}
                    "sends: $([Microsoft.PowerShell.Telemetry.ApplicationInsightsTelemetry]::CanSendTelemetry)"
                } -Environment @{ DOTNET_TieredPGO = $null } | Receive-Job -Wait
            } finally { $env:POWERSHELL_TELEMETRY_OPTOUT = $before }
            $set = @{ DOTNET_TieredPGO = '1'; DOTNET_TC_CallCountThreshold = '64'; POWERSHELL_TELEMETRY_OPTOUT = 'yes' }
            Start-IpcJob { {{Script}} } -Environment $set | Receive-Job -Wait
            """).NoErrors();
        Assert.Equal(
            ["sends: False", "DOTNET_TC_CallCountThreshold=64", "DOTNET_TieredPGO=1", "POWERSHELL_TELEMETRY_OPTOUT=yes"], result.Values);
    }

    [Fact]
    public void A_job_begins_before_pwsh_does_and_the_programs_that_it_starts_do_not()
    {
        var hook = Path.Combine(Build.RepositoryRoot, "module", "bin", "IpcPs.Loader.dll");
        using var other = new ForeignAssembly("Profiler", "1.0.0.0");
        var result = Session.Run($$"""
            $script = {
                @(Get-Runspace).Count
                $env:DOTNET_STARTUP_HOOKS
                ($env:PATH -split ':')[0] -eq $PSHOME
                $env:DOTNET_STARTUP_HOOKS = '{{hook}}'
                & '{{Build.Dotnet}}' '{{Build.PwshDll}}' -NoProfile -Command '"$env:DOTNET_STARTUP_HOOKS."'
            }
            Start-IpcJob $script -Environment @{ PATH = '/usr/bin'; DOTNET_STARTUP_HOOKS = $null } | Receive-Job -Wait
            Start-IpcJob { $env:DOTNET_STARTUP_HOOKS } -Environment @{ DOTNET_STARTUP_HOOKS = '{{other.Path}}' } | Receive-Job -Wait
            """).NoErrors();
        Assert.Equal([1, null, true, ".", other.Path], result.Values);
    }

    [Fact]
    public void Output_is_not_coloured_where_the_user_does_not_want_that()
    {
        Assert.Equal(["PlainText", "Host"], Session.Run("""
            Start-IpcJob { "$($PSStyle.OutputRendering)" } -Environment @{ NO_COLOR = '1' } | Receive-Job -Wait
            Start-IpcJob { "$($PSStyle.OutputRendering)" } -Environment @{ NO_COLOR = $null; TERM = 'xterm' } | Receive-Job -Wait
            """).NoErrors().Values);
    }

    [Fact]
    public void An_initialization_that_fails_fails_the_job()
    {
        var result = Session.Run(
            """
            $failed = Start-IpcJob { 'never' } -InitializationScript { 'before'; throw 'no license' }
            $left = Start-IpcJob { 'never' } -InitializationScript { exit 4 }
            $null = Wait-Job $failed, $left -Timeout 60
            $failed, $left | ForEach-Object { "$($_.State) $($_.ExitCode) " + ($_.Failure -replace '^.*process \d+. ') }
            $failed.Output; $left.Output
            """).NoErrors();
        Assert.Equal(["Failed 1 no license", "Failed 4 ended with exit code 4.", "before"], result.Values);
    }
}
