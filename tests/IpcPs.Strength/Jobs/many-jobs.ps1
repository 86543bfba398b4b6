# Starts many jobs at once, as a pipeline of two stages each and alone.
param([Parameter(Mandatory)] [string] $Manifest, [Parameter(Mandatory)] [int] $Count)
$ErrorActionPreference = 'Stop'
Import-Module $Manifest
$jobs = foreach ($i in 1..$Count) {
    if ($i % 5) { Start-IpcJob { $using:i } }
    else { Start-IpcJob { 1..1000 } | Start-IpcJob { ($input | Measure-Object).Count + $using:i } }
}
foreach ($i in 1..$Count) {
    $expected = if ($i % 5) { $i } else { 1000 + $i }
    $got = Receive-Job $jobs[$i - 1] -Wait
    if ($got -ne $expected) { "fault: job $i gave '$got' and not $expected" }
}
Remove-Job $jobs
"done: $Count jobs"
