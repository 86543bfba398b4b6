using IpcPs.Module.Tests.Fixture;
using Xunit;

namespace IpcPs.Module.Tests.Inventory;

/// <summary>What commands say in a process that can open no descriptor.</summary>
public class NoDescriptorLeftTests
{
    [Fact]
    public void Commands_that_run_for_the_first_time_without_a_descriptor_report_the_limit_and_work_later()
    {
        var result = Shell.Pwsh.Run(
            """
            $commands = { Get-IpcObject }, { Test-IpcFeature }, { New-IpcPipe },
                { New-IpcSocket "unix:@test-$PID" }, { New-IpcSocket tcp:127.0.0.1:0 }, { New-IpcSharedMemory -Size 4096 },
                { New-IpcMutex "test-$PID" }, { New-IpcRing "test-$PID" }, { New-IpcQueue "test-$PID" },
                { '{"a":1}' | Send-IpcMessage $queue -Format Json; Receive-IpcMessage $queue -Format Json }
            function Run {
                foreach ($c in $commands) {
                    try {
                        $made = & $c 3>$null
                        if ("$made" -match '^m(utex|q):') { Remove-IpcObject $made -Confirm:$false }
                        if ($made -is [IDisposable]) { Close-IpcObject $made }
                    }
                    catch { "$c => $($_.FullyQualifiedErrorId.Split(',')[0]) $($_.Exception.GetType().Name)" }
                }
            }
            $ErrorActionPreference = 'Stop'
            $queue = New-IpcQueue -Kind SysV
            # What PowerShell itself needs.
            $all, $commands = $commands, ({ Get-Item /nix }, { [IO.File]::OpenRead('/nix') }, { 1 | Send-IpcMessage mq:/nix })
            $null = Run; [Console]::Error.Flush(); 'first:'; $commands = $all
            $folder = [IO.DirectoryInfo]'/proc/self/task'
            while ($folder.GetDirectories().ForEach{ [IO.File]::ReadAllText("$_/comm") } -match '^IpcPs assembli') { }
            & prlimit --nofile=400: --pid $PID
            $held = [Collections.Generic.List[object]]::new()
            try { while ($true) { $held.Add([IO.File]::OpenRead('/dev/null')) } } catch { }
            $during = Run
            foreach ($file in $held) { $file.Dispose() }
            $during; 'later:'; Run
            Remove-IpcObject $queue -Confirm:$false
            """).Succeeded();
        Assert.Equal(
            """
            first:
             Get-IpcObject  => IpcLimitReached IpcException
             Test-IpcFeature  => IpcLimitReached IpcException
             New-IpcPipe  => IpcLimitReached IpcException
             New-IpcSocket "unix:@test-$PID"  => IpcLimitReached IpcException
             New-IpcSocket tcp:127.0.0.1:0  => IpcLimitReached IpcException
             New-IpcSharedMemory -Size 4096  => IpcLimitReached IpcException
             New-IpcMutex "test-$PID"  => IpcLimitReached IpcException
             New-IpcRing "test-$PID"  => IpcLimitReached IpcException
             New-IpcQueue "test-$PID"  => IpcLimitReached IpcException
            later:
            """, result.Output.TrimEnd('\n'));
    }
}
