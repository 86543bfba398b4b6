#requires -Version 7.4

<#
.SYNOPSIS
Two programs, Stout and Thin, talk through every IPC mechanism of Linux and show what each one is good for.

.DESCRIPTION
Stout is this script. Thin is a second PowerShell process: a job that runs what Stout sends to it. In each scene the two use real kernel
objects and print what happens. At the end a table lists what each mechanism carried, and the script verifies that it left nothing behind.

Read the script from top to bottom. In each scene the two sides stand one below the other. A block after Invoke-Thin runs in Thin's process.

Where raw sockets are permitted (root, or CAP_NET_RAW), Stout also traces the loopback interface.

.PARAMETER Megabytes
How many megabytes pass through shared memory. The default is 50.

.EXAMPLE
dotnet run --project src/IpcPs.Module -- docs/examples/story.ps1

Runs the story from a checkout, on a machine that has only the .NET SDK.

.EXAMPLE
docs/examples/story.ps1 -Megabytes 500

Runs the story in PowerShell, with ten times as much data.
#>
[CmdletBinding()]
param(
    [ValidateRange(10, 10000)]
    [int] $Megabytes = 50
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Verbose:$false
}

# An address is a short text that every command accepts, in every process. The process id makes these addresses unique.
$address = @{
    UnixSocket   = "unix:story-$PID.socket"
    NamedPipe    = "fifo:story-$PID"
    Mutex        = "mutex:story-$PID"
    LetterQueue  = "mq:/story-$PID"
    NumberQueue  = 'sysvmq:0x{0:x}' -f (0x57000000 + $PID)
    SharedMemory = "shm:/story-$PID"
    Semaphore    = "sem:/story-$PID"
    Ring         = "ring:/story-$PID"
}
$results = [Collections.Generic.List[object]]::new()
$sceneTime = [Diagnostics.Stopwatch]::StartNew()
$storyTime = [Diagnostics.Stopwatch]::StartNew()

function Write-Scene([string] $Title) {
    ''
    "== $Title"
    $sceneTime.Restart()
}

# Adds a row to the table at the end. The time runs from the start of the scene, or from the row before.
function Add-Result {
    param(
        [string] $Mechanism,
        [string] $Action,
        [long] $Messages,
        [long] $Bytes,
        [double] $Seconds = $sceneTime.Elapsed.TotalSeconds
    )
    $results.Add([pscustomobject]@{ Mechanism = $Mechanism; Action = $Action; Messages = $Messages; Bytes = $Bytes; Seconds = $Seconds })
    $sceneTime.Restart()
}

# What Thin does: it runs each script that arrives on its channel, until Stout closes the channel. The channel is a pair of inherited pipes.
$thinScript = {
    $ErrorActionPreference = 'Stop'
    function Send-Reply([string] $Text) {
        Send-IpcMessage $IpcParent $Text
    }
    Receive-IpcMessage $IpcParent -All | ForEach-Object {
        $arguments = $_.Arguments
        . ([scriptblock]::Create($_.Script)) @arguments
    }
}

# Runs a script in Thin's process. The script travels as text, so the values that it needs are passed as arguments.
function Invoke-Thin([scriptblock] $ScriptBlock, [object[]] $ArgumentList = @()) {
    Send-IpcMessage $thin @{ Script = "$ScriptBlock"; Arguments = $ArgumentList }
}

# Prints Thin's next reply. If Thin has failed, its error is thrown here.
function Receive-Reply {
    $reply = Receive-IpcMessage $thin -Timeout 60
    if ($null -eq $reply) {
        Receive-Job $thin -Wait
        throw 'Thin has stopped answering.'
    }
    "   Thin   $reply"
}

# Returns what the trace has seen so far, when it has seen the text. Gives up after five seconds.
function Read-Trace([string] $Text) {
    foreach ($attempt in 1..50) {
        $seen = @(Receive-Job $trace -Keep)
        if ("$($seen.Preview)".Contains($Text)) { return $seen }
        Start-Sleep -Milliseconds 100
    }
}

$thin = $trace = $pipe = $tcpListener = $unixListener = $null
$letterQueue = $namedPipe = $mutex = $numberQueue = $memory = $freeParts = $ring = $null
try {
    $before = Get-IpcObject -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    $heldBefore = Get-IpcObject -Id $PID -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    "Two programs live on this machine: Stout, which is process $PID, and Thin, which Stout starts now. How do they talk?"
    "   Before: $($before.Count) IPC objects on this machine. This process holds $($heldBefore.Count) of them. None belongs to the story."

    $pipe = New-IpcPipe -Duplex
    $thin = Start-IpcJob $thinScript -Name thin -Handle $pipe.Far

    Write-Scene 'Signals: a knock at the door'
    Invoke-Thin {
        Wait-IpcSignal USR1, RTMIN+1 -ArmOnly
        Send-Reply "I am process $PID, and I listen for USR1 and RTMIN+1."
        foreach ($name in 'USR1', 'RTMIN+1') {
            $signal = Wait-IpcSignal $name -Timeout 60
            Send-Reply "$name came from process $($signal.SenderId). It carries $($signal.Value ?? 'nothing')."
        }
    }
    Receive-Reply
    $sceneTime.Restart()
    Send-IpcSignal $thin USR1
    Receive-Reply
    Add-Result -Mechanism 'signal' -Action 'said that something happened' -Messages 1 -Bytes 0
    Send-IpcSignal $thin RTMIN+1 -Value 42
    Receive-Reply
    Add-Result -Mechanism 'real-time signal' -Action 'said it with a number' -Messages 1 -Bytes 4

    Write-Scene 'Sockets: they can talk, but who listens?'
    $tcpListener = New-IpcSocket tcp:127.0.0.1:0
    $unixListener = New-IpcSocket $address.UnixSocket
    if ((Test-IpcFeature PacketCapture).IsAvailable) {
        # A thread of this process shows what passes on the loopback interface (lo) to and from the TCP socket. It says when it has begun.
        $trace = Start-ThreadJob {
            Import-Module $args[0] -Verbose:$false
            Trace-IpcChannel $args[1] -Verbose
        } -ArgumentList (Get-Module IpcPs).Path, $tcpListener.AddressText
        while ($trace.Verbose.Count -eq 0 -and $trace.State -in 'NotStarted', 'Running') { Start-Sleep -Milliseconds 20 }
    }
    $sceneTime.Restart()
    Invoke-Thin { param($Tcp) 'the word is swordfish' | Send-IpcMessage $Tcp -Format Text } -ArgumentList $tcpListener.AddressText
    $message = Receive-IpcMessage $tcpListener -Envelope -Timeout 60
    "   Stout  Over TCP came '$($message.Body)', from user $($message.SenderUser)."
    Add-Result -Mechanism 'TCP on loopback' -Action 'carried a word, readable on lo' -Messages 1 -Bytes $message.Body.Length
    if (-not $trace) {
        '   (A capture on lo is not permitted here. It needs root, or CAP_NET_RAW.)'
    }
    elseif ($seen = Read-Trace $message.Body | Select-Object -Last 1) {
        "   Stout  And a trace of the loopback interface shows it: $($seen.Direction) $($seen.Preview)"
    }
    else {
        '   Stout  There is too much traffic on lo: the trace missed the packet.'
    }

    Invoke-Thin {
        param($Unix, $Tcp)
        'the new word is mackerel' | Send-IpcMessage $Unix -Format Text
        'over and out' | Send-IpcMessage $Tcp -Format Text
    } -ArgumentList $address.UnixSocket, $tcpListener.Address.Text
    $message = Receive-IpcMessage $unixListener -Envelope -Timeout 60
    "   Stout  Over a Unix socket came '$($message.Body)', from process $($message.SenderId): the kernel vouches for it."
    Add-Result -Mechanism 'Unix socket' -Action 'carried a word, invisible on lo' -Messages 1 -Bytes $message.Body.Length
    $null = Receive-IpcMessage $tcpListener -Timeout 60
    if ($trace -and ($seen = Read-Trace 'over and out')) {
        # The trace saw the TCP messages before and after, so it was running when the Unix socket was used.
        if ("$($seen.Preview)".Contains('mackerel')) { throw 'The message of the Unix socket was seen on lo.' }
        '   Stout  The trace shows the next TCP message, and not the one through the Unix socket: that passes no network interface.'
    }
    $tcpListener, $unixListener | Close-IpcObject
    if ($trace) { Remove-Job $trace -Force }

    Write-Scene 'Two anonymous pipes: one for each direction'
    Close-IpcObject $pipe.Far     # Thin inherited it. Our copy would keep the pipe open after Thin has ended.
    $page = [byte[]]::new(4096)
    $sent = 0
    try {
        while ($true) {
            Send-IpcMessage $pipe.Near $page -Format Bytes -Timeout 0.5
            $sent += $page.Length
        }
    }
    catch {
        if ($_.FullyQualifiedErrorId -notlike 'IpcTimeout*') { throw }
    }
    "   Stout  I wrote $sent bytes while Thin read none. Then the pipe was full, and the next write timed out after 0.5 s."
    $sceneTime.Restart()
    Invoke-Thin {
        param($Expected)
        $pipe = $IpcHandles[0]
        $bytesRead = 0
        while ($bytesRead -lt $Expected) { $bytesRead += (Receive-IpcMessage $pipe -Format Bytes -Timeout 60).Length }
        "I have read $bytesRead bytes, and I say so through the other pipe." | Send-IpcMessage $pipe
    } -ArgumentList $sent
    "   Thin   $(Receive-IpcMessage $pipe.Near -Timeout 60)"
    Add-Result -Mechanism 'anonymous pipes' -Action 'streamed out, answered back' -Messages ($sent / $page.Length + 1) -Bytes $sent

    Write-Scene 'Thin is killed, and started again: what is still there?'
    $letterQueue = New-IpcQueue $address.LetterQueue
    $namedPipe = New-IpcPipe $address.NamedPipe
    $mutex = New-IpcMutex $address.Mutex
    Invoke-Thin {
        param($Mutex)
        Lock-IpcObject $Mutex
        Send-Reply $pipe.Address.Text
        Receive-IpcMessage $pipe
    } -ArgumentList $address.Mutex
    $oldPipe = Receive-IpcMessage $thin -Timeout 60
    "   Stout  Thin holds the mutex, and waits at its pipe, $oldPipe."
    Send-IpcSignal $thin KILL
    $null = Wait-Job $thin -Timeout 60
    "   Stout  $($thin.JobStateInfo.Reason.Message)"
    try {
        'Are you there?' | Send-IpcMessage $pipe.Near
    }
    catch {
        "   Stout  The anonymous pipe: $(($_.FullyQualifiedErrorId -split ',')[0]). It ended with Thin."
    }
    Lock-IpcObject $mutex -Timeout 60 -WarningAction SilentlyContinue
    "   Stout  The mutex that Thin held is mine now$(if ($mutex.OwnerDied) { ', and I was notified that its holder died' })."
    Unlock-IpcObject $mutex
    Add-Result -Mechanism 'mutex' -Action 'passed on when its holder died' -Messages 1 -Bytes 0
    'water the flowers' | Send-IpcMessage $letterQueue
    'fire!' | Send-IpcMessage $letterQueue -Priority 9
    '   Stout  While Thin is not running, I put two letters into the message queue. The second one is urgent.'
    Remove-Job $thin -Force
    Close-IpcObject $pipe.Near

    $thin = Start-IpcJob $thinScript -Name thin
    Invoke-Thin {
        param($OldPipe, $LetterQueue, $NamedPipe)
        try {
            $null = Open-IpcObject $OldPipe
        }
        catch {
            Send-Reply "I am process $PID now. My old pipe: $(($_.FullyQualifiedErrorId -split ',')[0])."
        }
        Send-Reply "The queue is still there, and in it: $((Receive-IpcMessage $LetterQueue -Count 2 -Timeout 60) -join ', ')"
        Send-Reply "The named pipe is still there, and through it came: $(Receive-IpcMessage $NamedPipe -Timeout 60)"
    } -ArgumentList $oldPipe, $address.LetterQueue, $address.NamedPipe
    Receive-Reply
    $sceneTime.Restart()
    Receive-Reply
    Add-Result -Mechanism 'POSIX queue' -Action 'kept letters, the urgent one first' -Messages 2 -Bytes 22
    'welcome back' | Send-IpcMessage $namedPipe -Timeout 60
    Receive-Reply
    Add-Result -Mechanism 'named pipe' -Action 'was a place to meet again' -Messages 1 -Bytes 12

    Write-Scene 'One System V queue: both directions, by type'
    $numberQueue = New-IpcQueue $address.NumberQueue
    Invoke-Thin {
        param($NumberQueue)
        1..200 | ForEach-Object { 2 * (Receive-IpcMessage $NumberQueue -Type 1 -Timeout 60) } | Send-IpcMessage $NumberQueue -Type 2
    } -ArgumentList $address.NumberQueue
    1..200 | Send-IpcMessage $numberQueue -Type 1
    $answers = Receive-IpcMessage $numberQueue -Type 2 -Count 200 -Timeout 60
    "   Stout  200 questions of type 1, 200 answers of type 2, in one queue: $($answers[0..4] -join ', '), ... $($answers[-1])."
    Add-Result -Mechanism 'System V queue' -Action 'carried questions and answers' -Messages 400 -Bytes (400 * 4)

    Write-Scene "Shared memory: $Megabytes MB"
    $partSize = 5MB
    $memory = New-IpcSharedMemory $address.SharedMemory -Size (2 * $partSize)
    # Counts the free parts. Stout acquires one before it writes. Thin releases one when it has read.
    $freeParts = New-IpcSemaphore $address.Semaphore -InitialCount 2
    Invoke-Thin {
        param($SharedMemory, $Semaphore, $NumberQueue)
        $memory = Open-IpcObject $SharedMemory -Access Read
        $hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')
        $part = [byte[]]::new($memory.Size / 2)
        while (($offset = Receive-IpcMessage $NumberQueue -Type 1 -Timeout 60) -ge 0) {
            Read-IpcSharedMemory $memory -Into $part -Offset $offset
            Unlock-IpcObject $Semaphore
            $hash.AppendData($part)
        }
        [Convert]::ToHexString($hash.GetHashAndReset()) | Send-IpcMessage $NumberQueue -Type 2
        Close-IpcObject $memory
    } -ArgumentList $address.SharedMemory, $address.Semaphore, $address.NumberQueue
    $hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')
    $part = [byte[]]::new($partSize)
    $lockTime = [Diagnostics.Stopwatch]::new()
    $partCount = [Math]::Ceiling($Megabytes * 1MB / $partSize)
    foreach ($number in 1..$partCount) {
        [Random]::Shared.NextBytes($part)
        $hash.AppendData($part)
        $offset = ($number % 2) * $partSize
        $lockTime.Start()
        Lock-IpcObject $freeParts -Timeout 60
        $lockTime.Stop()
        Write-IpcSharedMemory $memory $part -Offset $offset
        $offset | Send-IpcMessage $numberQueue -Type 1     # The data stays where it is. Only its offset travels.
    }
    -1 | Send-IpcMessage $numberQueue -Type 1
    $stoutHash = [Convert]::ToHexString($hash.GetHashAndReset())
    $thinHash = Receive-IpcMessage $numberQueue -Type 2 -Timeout 60
    if ($thinHash -ne $stoutHash) { throw "Thin did not read what Stout wrote: the SHA-256 is $thinHash instead of $stoutHash." }
    $total = $partCount * $partSize
    "   Stout  $($total / 1MB) MB in $partCount parts through $($memory.Size / 1MB) MB of memory. The queue carried the offsets."
    "   Stout  SHA-256 on both sides: $($stoutHash.Substring(0, 16))..."
    Add-Result -Mechanism 'shared memory' -Action 'held data that both could see' -Messages $partCount -Bytes $total
    $lockSeconds = $lockTime.Elapsed.TotalSeconds
    Add-Result -Mechanism 'semaphore' -Action 'kept the writer from overwriting' -Messages $partCount -Bytes 0 -Seconds $lockSeconds

    Write-Scene 'The ring: messages in shared memory, without the kernel'
    $ring = New-IpcRing $address.Ring
    Invoke-Thin {
        param($Ring)
        $reader = Open-IpcObject $Ring -Access Read
        Send-Reply 'I am at the ring.'
        $total = Receive-IpcMessage $reader -All -Timeout 60 | Measure-Object -Sum
        Close-IpcObject $reader
        Send-Reply "$($total.Count) numbers came. Their sum is $($total.Sum)."
    } -ArgumentList $address.Ring
    Receive-Reply
    $sceneTime.Restart()
    1..100000 | Send-IpcMessage $ring -Close
    Receive-Reply
    Add-Result -Mechanism 'ring' -Action 'carried messages in user space' -Messages 100000 -Bytes 400000

    Write-Scene 'The end'
    '   These objects exist now:'
    Get-IpcObject "*story-$PID", $address.NumberQueue -WarningAction Ignore | ForEach-Object { "      $($_.Address)  $($_.Kind)" }
}
finally {
    # This also runs after an error or Ctrl+C. With -Force it is no error that an object does not exist.
    if ($thin) { Remove-Job $thin -Force }
    if ($trace) { Remove-Job $trace -Force -ErrorAction Ignore }
    $objects = $pipe, $tcpListener, $unixListener, $letterQueue, $namedPipe, $mutex, $numberQueue, $memory, $freeParts, $ring
    $objects | Where-Object { $_ } | Close-IpcObject
    Remove-IpcObject ([string[]] $address.Values) -Force -ErrorAction Continue
}

# A thread that served a job may close its pipe a moment after the job has ended.
foreach ($attempt in 1..50) {
    $after = Get-IpcObject -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    $heldAfter = Get-IpcObject -Id $PID -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    $leftovers = @($after | Where-Object { $_ -in $address.Values }) + @($heldAfter | Where-Object { $_ -notin $heldBefore })
    if (-not $leftovers) { break }
    Start-Sleep -Milliseconds 100
}
if ($leftovers) { throw "The story left something behind: $leftovers" }
"   After: $($after.Count) IPC objects on this machine. This process holds the same $($heldAfter.Count). None belongs to the story."

# The bytes are those of the content, without what IpcPs adds. The seconds include PowerShell's own share.
$results | Format-Table -Property @(
    'Mechanism'
    'Action'
    @{ Name = 'Messages'; Expression = 'Messages'; FormatString = 'N0' }
    @{ Name = 'Bytes'; Expression = 'Bytes'; FormatString = 'N0' }
    @{ Name = 'Seconds'; Expression = 'Seconds'; FormatString = 'N3' }
)
'{0:N1} seconds in all.' -f $storyTime.Elapsed.TotalSeconds
