#Requires -Version 7.4
<#
.SYNOPSIS
Hands a large file from one PowerShell process to another through shared memory, and verifies that it arrived.

.DESCRIPTION
The sender announces by a message queue that data is ready. The data itself goes through shared memory of two parts: while the receiver reads
one, the sender fills the other. A semaphore counts the parts that are free, so that nothing is overwritten before it was read. What travels
through the queue is only where the next part lies. At the end both have the file's SHA-256, each computed from what it had in hand.

Without -Role the sender starts the receiver itself. The sender makes all objects and removes them, also after an error or Ctrl+C.

Runs under ipcps and under pwsh.

.PARAMETER Path
The file. Default: one of random bytes is made for the occasion, and deleted in the end.

.PARAMETER Megabytes
How large the file of random bytes is. Default: 200.

.PARAMETER PartSize
Bytes of one of the two parts. Default: 4 MB.

.PARAMETER Destination
Where the receiver stores a copy. Default: nowhere.

.PARAMETER Role
Send or Receive, to have the two sides in two terminals. Default: Both.

.PARAMETER Name
The name of all objects. Both sides need the same one. Default: one of its own.

.PARAMETER Timeout
How many seconds one side waits for the other. Default: 60.

.EXAMPLE
docs/examples/big-data.ps1

.EXAMPLE
docs/examples/big-data.ps1 -Role Receive -Name film -Destination copy.mkv
docs/examples/big-data.ps1 -Role Send -Name film -Path film.mkv

The first line in one terminal, the second in another.
#>
[CmdletBinding()]
param(
    [string] $Path,
    [ValidateRange(1, 100000)] [int] $Megabytes = 200,
    [ValidateRange(1, 1GB)] [int] $PartSize = 4MB,
    [string] $Destination,
    [ValidateSet('Both', 'Send', 'Receive')] [string] $Role = 'Both',
    [string] $Name = "big-data-$PID",
    [double] $Timeout = 60
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module IpcPs)) { Import-Module "$PSScriptRoot/../../IpcPs.psd1" }

$news = "mq:/$Name"              # from the sender: what there is, where each part lies, the end
$answers = "mq:/$Name-answers"   # from the receiver: what it got
$hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')

if ($Role -eq 'Receive') {
    $queue = $memory = $free = $file = $null
    try {
        $queue = Open-IpcObject $news -Wait -Timeout $Timeout
        $announced = Receive-IpcMessage $queue -Timeout $Timeout
        $memory = Open-IpcObject $announced.Memory -Access Read
        $free = Open-IpcObject $announced.Free
        if ($Destination) { $file = [IO.File]::Create($PSCmdlet.GetUnresolvedProviderPathFromPSPath($Destination)) }
        $part = [byte[]]::new($announced.PartSize)
        $total = 0L
        @{ ProcessId = $PID } | Send-IpcMessage $answers -Timeout $Timeout
        while (($next = Receive-IpcMessage $queue -Timeout $Timeout).Length -gt 0) {
            Read-IpcSharedMemory $memory -Into $part -Offset $next.Offset
            Unlock-IpcObject $free     # read: the sender may fill it again
            $hash.AppendData($part, 0, $next.Length)
            if ($file) { $file.Write($part, 0, $next.Length) }
            $total += $next.Length
        }
        @{ Length = $total; Sha256 = [Convert]::ToHexString($hash.GetHashAndReset()) } | Send-IpcMessage $answers -Timeout $Timeout
        if ($file) { "received $total bytes into $Destination" }
    }
    catch {
        # Else the sender would wait for an answer until its time is over.
        if ($queue) { @{ Failed = "$_" } | Send-IpcMessage $answers -Timeout $Timeout }
        throw
    }
    finally {
        foreach ($end in $queue, $memory, $free) { if ($end) { Close-IpcObject $end } }
        if ($file) { $file.Dispose() }
    }
    return
}

function Receive-Answer {
    $answer = Receive-IpcMessage $answerQueue -Timeout $Timeout
    if ($answer.ContainsKey('Failed')) { throw "The receiver: $($answer.Failed)" }
    $answer
}

$file = $receiver = $temporary = $null
try {
    if ($Path) { $full = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path) }
    else {
        $full = $temporary = [IO.Path]::Combine([IO.Path]::GetTempPath(), $Name)
        $file = [IO.File]::Create($full)
        $random = [byte[]]::new(1MB)
        foreach ($i in 1..$Megabytes) { [Random]::Shared.NextBytes($random); $file.Write($random, 0, $random.Length) }
        $file.Dispose()
    }
    $file = [IO.File]::OpenRead($full)

    $queue = New-IpcQueue $news
    $answerQueue = New-IpcQueue $answers
    $memory = New-IpcSharedMemory "shm:/$Name" -Size (2L * $PartSize)
    $free = New-IpcSemaphore "sem:/$Name" -InitialCount 2
    if ($Role -eq 'Both') {
        $receiver = Start-IpcJob { param($script, $parameters) & $script @parameters } -Name receiver -ArgumentList $PSCommandPath, @{
            Role = 'Receive'; Name = $Name; Timeout = $Timeout; Destination = $Destination
        }
    }

    @{ Length = $file.Length; PartSize = $PartSize; Memory = "shm:/$Name"; Free = "sem:/$Name" } | Send-IpcMessage $queue
    "sender    process $PID announces $($file.Length) bytes in $news"
    "receiver  process $((Receive-Answer).ProcessId) is ready"
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $part = [byte[]]::new($PartSize)
    $offset = 0L
    while (($length = $file.ReadAtLeast($part, $PartSize, $false)) -gt 0) {
        $hash.AppendData($part, 0, $length)
        Lock-IpcObject $free -Timeout $Timeout
        Write-IpcSharedMemory $memory $part -Offset $offset
        @{ Offset = $offset; Length = $length } | Send-IpcMessage $queue -Timeout $Timeout
        $offset = $PartSize - $offset     # the other part
        $progress = [Management.Automation.ProgressRecord]::new(1, 'Handing over', "$($file.Position) of $($file.Length) bytes")
        $progress.PercentComplete = 100 * $file.Position / $file.Length
        $PSCmdlet.WriteProgress($progress)
    }
    @{ Offset = 0; Length = 0 } | Send-IpcMessage $queue -Timeout $Timeout
    $sent = [Convert]::ToHexString($hash.GetHashAndReset())
    $answer = Receive-Answer
    $seconds = $clock.Elapsed.TotalSeconds
    if ($receiver) { Receive-Job $receiver -Wait }

    "sender    SHA-256 $sent"
    "receiver  SHA-256 $($answer.Sha256), of $($answer.Length) bytes"
    if ($answer.Sha256 -ne $sent) { throw 'The receiver got something else than was sent.' }
    '{0:N1} MB in {1:N2} s, {2:N0} MB/s, with reading and hashing at both ends' -f ($file.Length / 1MB), $seconds, ($file.Length / 1MB / $seconds)
}
finally {
    if ($receiver) { Remove-Job $receiver -Force }
    if ($file) { $file.Dispose() }
    Remove-IpcObject $news, $answers, "shm:/$Name", "sem:/$Name" -Force -ErrorAction Continue
    if ($temporary) { [IO.File]::Delete($temporary) }
}
