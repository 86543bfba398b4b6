#Requires -Version 7.4
<#
.SYNOPSIS
Shows what a program holds, what is left of it when it is killed, and cleans up after it.

.DESCRIPTION
Starts crash.py, which makes shared memory, a named pipe and a socket; lists them with their holder; kills it as kill -9 does; lists what is stale, and
why; removes exactly that. Runs under pwsh and under ipcps.
#>
$ErrorActionPreference = 'Stop'
if (-not (Get-Module IpcPs)) { Import-Module (Join-Path $PSScriptRoot '../../../IpcPs.psd1') }
$name = "crash-$PID"
# Making something there makes the folder.
$own = New-IpcPipe "$name-own"
$folder = [IO.Path]::GetDirectoryName($own.Path)

$start = [Diagnostics.ProcessStartInfo]::new('python3')
foreach ($argument in "$PSScriptRoot/crash.py", $name, $folder) { $start.ArgumentList.Add($argument) }
$start.RedirectStandardOutput = $true
$python = [Diagnostics.Process]::Start($start)
$null = $python.StandardOutput.ReadLine()

'While it runs:'
Get-IpcObject "$name*" | ForEach-Object { "    $($_.Address)  $($_.Reason)" }

Send-IpcSignal $python.Id KILL -Timeout 10 | Out-Null
$python.WaitForExit()

'After kill -9:'
Get-IpcObject "$name*" -Stale | ForEach-Object { "    $($_.Address)  $($_.Reason)" }

'Removed:'
Clear-IpcObject "$name*" -PassThru | ForEach-Object { "    $($_.Address)" }

'Still there, because this session has it:'
Get-IpcObject "$name*" | ForEach-Object { "    $($_.Address)" }
Remove-IpcObject $own
