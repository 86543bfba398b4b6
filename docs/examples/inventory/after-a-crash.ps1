#requires -Version 7.4

<#
.SYNOPSIS
Shows which objects a program holds and which ones remain when it is killed, and removes those.

.DESCRIPTION
Starts crash.py, which makes shared memory, a named pipe and a socket. Lists the objects while the program runs, and again after it is
killed: then they are stale. Then removes the stale objects. The named pipe that this session holds is not stale, and it stays.

The output is one object for each IPC object at each step: Step, Address, IsStale and Reason. The reason names the process that holds the
object, or says why the object is stale.

.EXAMPLE
docs/examples/inventory/after-a-crash.ps1 | Format-Table -Property Address, Reason -GroupBy Step -Wrap
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../../IpcPs.psd1') -Verbose:$false
}

$name = "crash-$PID"

function Get-StepObject([string] $Step) {
    Get-IpcObject "$name*" -WarningAction Ignore | ForEach-Object {
        [pscustomobject]@{ Step = $Step; Address = $_.Address; IsStale = $_.IsStale; Reason = $_.Reason }
    }
}

# Creating a named pipe also creates the runtime folder.
$ownPipe = New-IpcPipe "$name-own"
$python = $null
try {
    $arguments = 'crash.py', $name, (Split-Path $ownPipe.Path)
    $python = Start-Process -FilePath python3 -ArgumentList $arguments -WorkingDirectory $PSScriptRoot -PassThru
    # The socket is the last object that the program makes.
    Open-IpcObject "unix:$name.s" -Wait -Timeout 60 | Close-IpcObject
    Get-StepObject 'running'

    $null = Send-IpcSignal $python KILL -Timeout 60
    Get-StepObject 'killed'

    Clear-IpcObject "$name*" -WarningAction Ignore
    Get-StepObject 'cleared'
}
finally {
    if ($python -and -not $python.HasExited) { $python | Stop-Process -Force -PassThru | Wait-Process }
    Clear-IpcObject "$name*" -WarningAction Ignore
    Remove-IpcObject $ownPipe
}
