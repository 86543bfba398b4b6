# Kills workers of an ordered stage, which stands between two others, at random moments.
param([Parameter(Mandatory)] [string] $Manifest, [Parameter(Mandatory)] [int] $Kills, [Parameter(Mandatory)] [int] $Seed)
$ErrorActionPreference = 'Stop'
Import-Module $Manifest
$random = [Random]::new($Seed)
$count = 50 * ($Kills + 2)
$job = Start-IpcJob { 1..$using:count } |
    Start-IpcJob -Workers 3 -Ordered -Process {
        if ($_ % 10 -eq 0) { Start-Sleep -Milliseconds 20 }
        [pscustomobject]@{ Id = $_; Double = 2 * $_ }
    } |
    Start-IpcJob { $input }
$stage = $job.ChildJobs[0]
$next = 20
$killed = 0
$errors = @()
$output = [Collections.Generic.List[object]]::new()
while ($killed -lt $Kills -and $job.State -eq 'Running') {
    foreach ($object in Receive-Job $job -ErrorAction SilentlyContinue -ErrorVariable +errors) { $output.Add($object) }
    if ($stage.ItemsDone -lt $next) { Start-Sleep -Milliseconds 5; continue }
    $workers = @($stage.Workers | Where-Object State -In 'Busy', 'Idle')
    if ($workers.Count -eq 0) { Start-Sleep -Milliseconds 5; continue }
    Send-IpcSignal $workers[$random.Next($workers.Count)].ProcessId KILL -ErrorAction Ignore
    $killed++
    $next = $stage.ItemsDone + $random.Next(10, 50)
}
foreach ($object in Receive-Job $job -Wait -ErrorAction SilentlyContinue -ErrorVariable +errors) { $output.Add($object) }
$failed = @($errors | Where-Object FullyQualifiedErrorId -Like 'IpcWorkerDied*')
$seen = @{}
$last = 0
foreach ($object in $output) {
    if ($object.Id -le $last) { "fault: $($object.Id) came after $last" }
    if ($object.Double -ne 2 * $object.Id) { "fault: $($object.Id) is wrong" }
    $last = $object.Id
    $seen[$object.Id] += 1
}
foreach ($record in $failed) { $seen[[int] $record.TargetObject] += 1 }
foreach ($id in 1..$count) { if ($seen[$id] -ne 1) { "fault: item $id was seen $([int] $seen[$id]) times" } }
if ($failed.Count -gt $killed) { "fault: $killed kills, and $($failed.Count) items failed" }
$left = @($stage.Workers | Where-Object { Get-Process -Id $_.ProcessId -ErrorAction Ignore })
if ($left.Count) { "fault: $($left.Count) workers still run" }
"done: $killed kills, $($output.Count) items done, $($failed.Count) failed"
