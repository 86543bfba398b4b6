#requires -Version 7.4

<#
.SYNOPSIS
Runs a service that shuts down cleanly when it receives TERM or INT.

.DESCRIPTION
This is the recipe for the main program of a container. The service takes jobs from a message queue until TERM arrives (docker stop,
kubectl delete, systemctl stop, kill) or INT (Ctrl+C). Then the job in progress is ended, its finally block runs, the queue is removed,
and the script ends with exit code 0.

As process 1 of a container, a script has no other way. The kernel ignores TERM for a process 1 that has not asked for it, and after ten
seconds docker stop sends KILL.

.PARAMETER Queue
The name of the message queue. The default is unique.

.EXAMPLE
pwsh -File docs/examples/signals/clean-shutdown.ps1 & sleep 5; kill -TERM $!; wait $!; echo $?

Starts the service from a shell, and ends it after five seconds. The exit code is 0.
#>
[CmdletBinding()]
[OutputType([string])]
param(
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty()]
    [string] $Queue = "service-$PID"
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../../IpcPs.psd1') -Verbose:$false
}

$jobs = New-IpcQueue $Queue
try {
    Use-IpcSignal -Signal TERM, INT -ScriptBlock {
        "ready, as process $PID, at $($jobs.Address)"
        try {
            Receive-IpcMessage $jobs -All | ForEach-Object { "job $_ done" }
        }
        finally {
            'the job under way was put right'
        }
    } -Cleanup {
        # The body has ended, and its finally blocks have run. Only KILL can cut this short, so it should not take long.
        $source = $null -eq $_.SenderId ? 'the terminal' : "process $($_.SenderId)"
        "$($_.Signal) from ${source}: shutting down"
    }
    "$($jobs.CurrentMessages) jobs are left"
}
finally {
    Remove-IpcObject $jobs
}
exit 0
