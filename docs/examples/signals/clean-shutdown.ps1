<#
.SYNOPSIS
    A service that shuts down cleanly when it is told to: the recipe for a container's main program.
.DESCRIPTION
    Takes jobs from a queue until TERM (docker stop, kubectl delete, systemctl stop, kill) or INT (Ctrl+C) comes. The job that is under way is ended,
    the jobs that still wait are handed back, the queue is removed, and the script ends with exit code 0.

    As process 1 of a container a script has no other way: the kernel ignores TERM for a process 1 that does not ask for it, and
    after ten seconds docker stop kills.
.EXAMPLE
    pwsh -File clean-shutdown.ps1 &
    kill -TERM $!; wait $!; echo $?
#>
param(
    # The queue that the jobs come from.
    [string] $Queue = "service-$PID"
)

Import-Module (Join-Path $PSScriptRoot '../../../IpcPs.psd1')
$jobs = New-IpcQueue $Queue

Use-IpcSignal TERM, INT {
    # Here the body has been ended, and its finally blocks have run. Whatever comes now does not cut this short, except for KILL: be done before it comes.
    [Console]::WriteLine("$($_.Signal) from process $($_.SenderId): shutting down")
} {
    [Console]::WriteLine("ready, as process $PID, at $($jobs.Address)")
    try {
        Receive-IpcMessage $jobs -All | ForEach-Object { [Console]::WriteLine("job $_ done") }
    }
    finally {
        [Console]::WriteLine('the job under way was put right')
    }
}

[Console]::WriteLine("$($jobs.CurrentMessages) jobs are left")
Remove-IpcObject $jobs
exit 0
