# Starts every command that can wait, each in a runspace of its own, where nothing will come. Then: they use no CPU, and Ctrl+C ends each.
# It writes a line for each fault, and then what it did.
param([Parameter(Mandatory)] [string] $Manifest, [Parameter(Mandatory)] [double] $Seconds)
$ErrorActionPreference = 'Stop'
Import-Module $Manifest
$name = "strength-$PID"
$folder = New-Item -ItemType Directory ([IO.Path]::Combine([IO.Path]::GetTempPath(), $name))

# What each command waits for. A command with -Timeout that has no line here is a fault.
$waits = [ordered]@{
    'Receive-IpcMessage, FIFO' = { param($o) Receive-IpcMessage $o.pipe }
    'Receive-IpcMessage, POSIX queue' = { param($o) Receive-IpcMessage $o.queue }
    'Receive-IpcMessage, System V queue' = { param($o) Receive-IpcMessage $o.sysv }
    'Receive-IpcMessage, ring' = { param($o) Receive-IpcMessage $o.ring }
    'Receive-IpcMessage, unix listener' = { param($o) Receive-IpcMessage $o.socket }
    'Receive-IpcMessage, seqpacket listener' = { param($o) Receive-IpcMessage $o.packets }
    'Receive-IpcMessage, all' = { param($o) Receive-IpcMessage $o.ring -All }
    'Send-IpcMessage, full queue' = { param($o) 'two' | Send-IpcMessage $o.full }
    'Send-IpcMessage, FIFO by address' = { param($o) 'one' | Send-IpcMessage "fifo:$($o.name)-unread" }
    'Invoke-IpcRequest, no answer' = { param($o) 'question' | Invoke-IpcRequest "unix:$($o.folder)/server" }
    'Invoke-IpcParallel, an item without end' = { param($o) 1 | Invoke-IpcParallel { Start-Sleep 1000 } -Workers 1 }
    'New-IpcJobPool, a child that does not become ready' = { param($o) New-IpcJobPool 1 -Wait -InitializationScript { Start-Sleep 1000 } }
    'Join-IpcChannel, queue to ring' = { param($o) Join-IpcChannel "mq:/$($o.name)" $o.secondRing }
    'Join-IpcChannel, no reader' = { param($o) Join-IpcChannel $o.idle "fifo:$($o.name)-unread" }
    'Trace-IpcChannel, ring' = { param($o) Trace-IpcChannel $o.ring }
    'Open-IpcObject, not there' = { param($o) Open-IpcObject "mq:/$($o.name)-none" -Wait }
    'Open-IpcObject, no server' = { param($o) Open-IpcObject "unix:$($o.folder)/none" -Wait }
    'Open-IpcObject, no reader' = { param($o) Open-IpcObject "fifo:$($o.name)-unread" -Access Write }
    'Lock-IpcObject, semaphore' = { param($o) Lock-IpcObject $o.semaphore }
    'Lock-IpcObject, System V semaphore' = { param($o) Lock-IpcObject $o.sysvSemaphore }
    'Lock-IpcObject, mutex' = { param($o) Lock-IpcObject $o.mutex }
    'Use-IpcLock, mutex' = { param($o) Use-IpcLock $o.mutex { 'inside' } }
    'Wait-IpcSharedMemory' = { param($o) Wait-IpcSharedMemory $o.memory -Offset 8 -While 0 }
    'Wait-IpcObject, every mechanism' = {
        param($o)
        Wait-IpcObject $o.pipe, $o.queue, $o.sysv, $o.ring, $o.socket, $o.packets, $o.semaphore, $o.sysvSemaphore, $o.mutex, $o.memory,
            $o.sleeper, RTMIN+6
    }
    'Wait-IpcSignal' = { param($o) Wait-IpcSignal RTMIN+7 }
    'Send-IpcSignal, a process that does not end' = { param($o) Send-IpcSignal -Id $o.sleeper USR1 -Timeout 600 }
}
$sleeper = Start-Process bash -ArgumentList '-c', '"trap : USR1; while :; do read -t 1000 < /dev/zero; sleep 1000; done"' -PassThru

try {
    $pipe = New-IpcPipe $name
    $unread = New-IpcPipe "$name-unread"
    $queue = New-IpcQueue $name
    $full = New-IpcQueue "$name-full" -MaxMessages 1
    'one' | Send-IpcMessage $full
    $sysv = New-IpcQueue -Kind SysV
    $ring = New-IpcRing $name
    $secondRing = New-IpcRing "$name-second"
    $idle = New-IpcPipe
    $socket = New-IpcSocket "unix:$folder/s"
    $packets = New-IpcSocket "unix:$folder/p" -Type SeqPacket
    $server = New-IpcSocket "unix:$folder/server"
    $semaphore = New-IpcSemaphore $name -InitialCount 0
    $sysvSemaphore = New-IpcSemaphore -Kind SysV -InitialCount 0
    $mutex = New-IpcMutex $name
    Lock-IpcObject $mutex
    $memory = New-IpcSharedMemory $name -Size 4096
    $objects = @{ pipe = $pipe; queue = $queue; full = $full; sysv = $sysv; ring = $ring; socket = $socket; packets = $packets
        semaphore = $semaphore; sysvSemaphore = $sysvSemaphore; mutex = $mutex; memory = $memory; folder = $folder; name = $name
        sleeper = $sleeper.Id; secondRing = $secondRing; idle = $idle }

    # New-IpcQueue waits only for a broker, and tests/IpcPs.Nats.Tests has the brokers.
    $written = @($waits.Keys -replace ',.*') + 'New-IpcQueue' | Select-Object -Unique
    Get-Command -Module IpcPs | Where-Object { $_.Parameters.ContainsKey('Timeout') -and $_.Name -notin $written } |
        ForEach-Object { "fault: no wait is written for $($_.Name)" }

    $state = [initialsessionstate]::CreateDefault2()
    $state.ImportPSModule($Manifest)
    $running = foreach ($wait in $waits.GetEnumerator()) {
        $script = "`$ErrorActionPreference = 'Stop'; & { $($wait.Value) } `$args[0]"
        $shell = [powershell]::Create($state).AddScript($script).AddArgument($objects)
        @{ Name = $wait.Key; Shell = $shell; Call = $shell.BeginInvoke() }
    }
    # Until they do nothing any more. The compiler's own thread has work for minutes, and is not counted.
    function Get-UsedSeconds {
        $ticks = 0
        foreach ($thread in [IO.Directory]::GetDirectories('/proc/self/task')) {
            try { $stat = [IO.File]::ReadAllText("$thread/stat") } catch { continue }
            if ($stat -match '\(\.NET Tiered') { continue }
            $fields = $stat.Substring($stat.LastIndexOf(')') + 2).Split(' ')
            $ticks += [long]$fields[11] + [long]$fields[12]
        }
        $ticks / 100
    }
    foreach ($second in 1..60) {
        $before = Get-UsedSeconds
        Start-Sleep 1
        if ((Get-UsedSeconds) - $before -lt 0.03) { break }
    }
    foreach ($one in $running | Where-Object { $_.Call.IsCompleted }) {
        $reason = try { "$($one.Shell.EndInvoke($one.Call))" } catch { "$_" }
        "fault: $($one.Name) does not wait: $reason"
    }
    $before = Get-UsedSeconds
    Start-Sleep $Seconds
    $share = ((Get-UsedSeconds) - $before) / $Seconds
    if ($share -gt 0.1) { 'fault: {0} waits use {1:P1} of a core' -f $running.Count, $share }

    foreach ($one in $running | Where-Object { -not $_.Call.IsCompleted }) {
        $stop = $one.Shell.BeginStop($null, $null)
        if (-not $stop.AsyncWaitHandle.WaitOne(30000)) { "fault: Ctrl+C does not end $($one.Name)" }
    }
    'done: {0} waits, {1:P2} of a core' -f $running.Count, $share
}
finally {
    Stop-Process -Id $sleeper.Id -Force
    if ($mutex) { Unlock-IpcObject $mutex }
    $socket, $packets, $server, $ring, $secondRing, $idle | Where-Object { $_ } | Close-IpcObject
    $pipe, $unread, $queue, $full, $sysv, $semaphore, $sysvSemaphore, $mutex, $memory | Where-Object { $_ } |
        Remove-IpcObject -Confirm:$false
    Remove-Item -Recurse $folder
}
