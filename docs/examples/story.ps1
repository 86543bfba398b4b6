#Requires -Version 7.4
<#
.SYNOPSIS
Two programs, Stout and Thin, try every way that Linux has for them to talk, and see what each is good for.

.DESCRIPTION
Stout is this script. Thin is a second PowerShell process: a job that does what Stout asks it to. Scene by scene they do the real thing, with
real objects of the kernel, and print what it showed. At the end there is a table of what each mechanism carried, and a proof that nothing
is left of it all.

Read it from top to bottom: in each scene both sides stand one below the other. What is inside `Ask { … }` runs in Thin's process.

Runs under ipcps and under pwsh. Where raw sockets are permitted (root, or CAP_NET_RAW) it also listens in on the loopback interface.

.PARAMETER Megabytes
How many megabytes go through shared memory. Default: 50.

.EXAMPLE
dotnet run --project src/IpcPs.Host -- docs/examples/story.ps1

.EXAMPLE
pwsh docs/examples/story.ps1 -Megabytes 500
#>
[CmdletBinding()]
param([ValidateRange(10, 10000)] [int] $Megabytes = 50)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module IpcPs)) { Import-Module "$PSScriptRoot/../../IpcPs.psd1" }

# Where they meet. An address is a short text that every command takes, in every process; with this process's id in it, it is ours alone.
$at = @{
    Unix = "unix:story-$PID.socket"; Fifo = "fifo:story-$PID"; Mutex = "mutex:story-$PID"; Letters = "mq:/story-$PID"; Ring = "ring:/story-$PID"
    Memory = "shm:/story-$PID"; Free = "sem:/story-$PID"; Queue = 'sysvmq:0x{0:x}' -f (0x57000000 + $PID)
}
$clock = [Diagnostics.Stopwatch]::StartNew()
$layout = '{0,-18} {1,-50} {2,8:N0} {3,11:N0} {4,8:N3}'
$rows = [Collections.Generic.List[string]]::new()

function Scene([string] $Title) { ''; "== $Title"; $clock.Restart() }
# A row of the table at the end: the seconds are those since the scene began, or since the row before.
function Note([string] $Mechanism, [string] $Did, [long] $Messages, [long] $Bytes, [double] $Seconds = $clock.Elapsed.TotalSeconds) {
    $rows.Add(($layout -f $Mechanism, $Did, $Messages, $Bytes, $Seconds))
    $clock.Restart()
}

# Thin: it runs what arrives on its channel, until Stout closes that. The channel is a pair of anonymous pipes that it inherited.
$beingThin = {
    param($at)
    $ErrorActionPreference = 'Stop'
    function Say([string] $Text) { Send-IpcMessage $IpcParent $Text }
    Receive-IpcMessage $IpcParent -All | ForEach-Object { . ([scriptblock]::Create($_.Do)) $_.With }
}
# Has Thin do something; a script travels as text, so what it needs from here goes along.
function Ask([scriptblock] $Do, $With) { Send-IpcMessage $thin @{ Do = $Do; With = $With } }
# What Thin says next. If Thin is gone, its error is thrown here.
function Hear {
    $said = Receive-IpcMessage $thin -Timeout 60
    if ($null -eq $said) { Receive-Job $thin -Wait; throw 'Thin says nothing any more.' }
    "   Thin   $said"
}
# What passes on the loopback interface, up to the first packet that has this text in it; nothing where it did not come within five seconds.
function Read-Tap([string] $Text) {
    $packet = [byte[]]::new(65536)
    $heard = [Text.StringBuilder]::new()
    $limit = [DateTime]::UtcNow.AddSeconds(5)
    while ([DateTime]::UtcNow -lt $limit -and $tap.Poll(1000000, 'SelectRead')) {
        $seen = [Text.Encoding]::Latin1.GetString($packet, 0, $tap.Receive($packet))
        $null = $heard.Append($seen)
        if ($seen.Contains($Text)) { return $heard.ToString() }
    }
}

$thin = $wire = $tap = $tcp = $unix = $null
$whole = [Diagnostics.Stopwatch]::StartNew()
try {
    $before = Get-IpcObject -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    $heldBefore = Get-IpcObject -Id $PID -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
    "Two programs live on this machine: Stout, process $PID, and Thin, whom Stout starts now. How do they talk?"
    "   Before: $($before.Count) IPC objects on this machine, $($heldBefore.Count) of them held by this process, none of the story's."

    $wire = New-IpcPipe -Duplex
    $thin = Start-IpcJob $beingThin -Name thin -ArgumentList $at -Handle $wire.Far

    Scene 'Signals: a knock at the door'
    Ask {
        Wait-IpcSignal USR1, RTMIN+1 -ArmOnly
        Say "I am process $PID, and listen for USR1 and RTMIN+1."
        foreach ($signal in 'USR1', 'RTMIN+1') {
            $came = Wait-IpcSignal $signal -Timeout 60
            Say "$signal came, from process $($came.SenderId). It carries $($came.Value ?? 'nothing')."
        }
    }
    Hear
    $clock.Restart()
    Send-IpcSignal $thin USR1
    Hear
    Note 'signal' 'said that something happened' 1 0
    Send-IpcSignal $thin RTMIN+1 -Value 42
    Hear
    Note 'real-time signal' 'said it with a number' 1 4

    Scene 'Sockets: they can talk, but who listens?'
    try {
        # A raw socket is given a copy of each TCP packet that arrives at its address: on lo, since that is where 127.0.0.1 is.
        $tap = [Net.Sockets.Socket]::new('InterNetwork', 'Raw', 'Tcp')
        $tap.Bind([Net.IPEndPoint]::new([Net.IPAddress]::Loopback, 0))
    }
    catch [Net.Sockets.SocketException] { $tap = $null }
    $tcp = New-IpcSocket tcp:127.0.0.1:0
    $unix = New-IpcSocket $at.Unix
    $clock.Restart()
    # More than once only where so much passes on lo that the tap misses a packet.
    foreach ($try in 1..5) {
        Ask { param($tcp) 'the word is swordfish' | Send-IpcMessage $tcp -Format Text } $tcp.Address.Text
        $message = Receive-IpcMessage $tcp -Envelope -Timeout 60
        $heard = if ($tap) { Read-Tap $message.Body }
        if (-not $tap -or $heard) { break }
    }
    "   Stout  Over TCP came '$($message.Body)', from user $($message.SenderUser)."
    Note 'TCP on loopback' 'carried a word, readable on lo' 1 $message.Body.Length
    if (-not $tap) { '   (Listening in on lo is not permitted here: it needs root, or CAP_NET_RAW.)' }
    elseif ($heard) {
        $packet = $heard.Substring($heard.LastIndexOf('E')) -replace '[^ -~]', '.'
        "   Stout  And this packet was captured on lo, by a raw socket: $packet"
    }
    else { '   Stout  So much passes on lo that the packet was not captured among it.' }

    Ask { param($tcp)
        'the new word is mackerel' | Send-IpcMessage $at.Unix -Format Text
        'over and out' | Send-IpcMessage $tcp -Format Text
    } $tcp.Address.Text
    $message = Receive-IpcMessage $unix -Envelope -Timeout 60
    "   Stout  Over a Unix socket came '$($message.Body)', from process $($message.SenderId): the kernel vouches for it."
    Note 'Unix socket' 'carried a word that no network sees' 1 $message.Body.Length
    $null = Receive-IpcMessage $tcp -Timeout 60
    if ($tap -and ($heard = Read-Tap 'over and out')) {
        # What was sent before and after it over TCP was captured, so the tap was awake.
        if ($heard.Contains('mackerel')) { throw 'A Unix socket was seen on lo.' }
        '   Stout  The next TCP message was captured on lo. The one through the Unix socket was not: it passes no interface.'
    }
    $tcp, $unix | Close-IpcObject
    if ($tap) { $tap.Dispose() }

    Scene 'Two anonymous pipes: one for each direction'
    Close-IpcObject $wire.Far     # Thin inherited it. Ours would keep the pipe open when Thin is gone.
    $page = [byte[]]::new(4096)
    $sent = 0
    try { while ($true) { Send-IpcMessage $wire.Near $page -Format Bytes -Timeout 0.5; $sent += $page.Length } }
    catch { if ($_.FullyQualifiedErrorId -notlike 'IpcTimeout*') { throw } }
    "   Stout  I wrote $sent bytes that nobody read. Then the pipe was full, and the next write waited, until I gave up after 0.5 s."
    $clock.Restart()
    Ask { param($expected)
        $wire = $IpcHandles[0]
        $read = 0
        while ($read -lt $expected) { $read += (Receive-IpcMessage $wire -Format Bytes -Timeout 60).Length }
        "I have read $read bytes, and say so through the other pipe." | Send-IpcMessage $wire
    } $sent
    "   Thin   $(Receive-IpcMessage $wire.Near -Timeout 60)"
    Note 'anonymous pipes' 'streamed one way, answered the other' ($sent / $page.Length + 1) $sent

    Scene 'Thin is killed, and started again: what is still there?'
    $letters = New-IpcQueue $at.Letters
    $fifo = New-IpcPipe $at.Fifo
    $mutex = New-IpcMutex $at.Mutex
    Ask {
        Lock-IpcObject $at.Mutex
        Say $wire.Address.Text
        Receive-IpcMessage $wire
    }
    $oldPipe = Receive-IpcMessage $thin -Timeout 60
    "   Stout  Thin holds the mutex, and waits at its pipe, $oldPipe."
    Send-IpcSignal $thin KILL
    $null = Wait-Job $thin -Timeout 60
    "   Stout  $($thin.JobStateInfo.Reason.Message)"
    try { 'Are you there?' | Send-IpcMessage $wire.Near } catch { "   Stout  The anonymous pipe: $(($_.FullyQualifiedErrorId -split ',')[0]). It went with Thin." }
    Lock-IpcObject $mutex -Timeout 60 -WarningAction SilentlyContinue
    "   Stout  The mutex that Thin held is mine now$(if ($mutex.OwnerDied) { ', and I was told that its holder died' })."
    Unlock-IpcObject $mutex
    Note 'mutex' 'went on to the next when its holder was killed' 1 0
    'water the flowers' | Send-IpcMessage $letters
    'fire!' | Send-IpcMessage $letters -Priority 9
    '   Stout  While nobody is there I put two letters into the message queue, the second one urgent.'
    Remove-Job $thin -Force
    Close-IpcObject $wire.Near

    $thin = Start-IpcJob $beingThin -Name thin -ArgumentList $at
    Ask { param($oldPipe)
        try { $null = Open-IpcObject $oldPipe } catch { Say "I am process $PID now. My old pipe: $(($_.FullyQualifiedErrorId -split ',')[0])." }
        Say "The queue is still there, and in it: $((Receive-IpcMessage $at.Letters -Count 2 -Timeout 60) -join ', ')"
        Say "The named pipe is still there, and through it came: $(Receive-IpcMessage $at.Fifo -Timeout 60)"
    } $oldPipe
    Hear
    $clock.Restart()
    Hear
    Note 'POSIX queue' 'kept letters while nobody was there, urgent first' 2 22
    'welcome back' | Send-IpcMessage $fifo -Timeout 60
    Hear
    Note 'named pipe' 'was the place to meet again' 1 12

    Scene 'One System V queue: both directions, by type'
    $queue = New-IpcQueue $at.Queue
    Ask { foreach ($i in 1..200) { (Receive-IpcMessage $at.Queue -Type 1 -Timeout 60) * 2 | Send-IpcMessage $at.Queue -Type 2 } }
    1..200 | Send-IpcMessage $queue -Type 1
    $answers = Receive-IpcMessage $queue -Type 2 -Count 200 -Timeout 60
    "   Stout  200 questions of type 1, 200 answers of type 2, in one queue: $($answers[0..4] -join ', '), … $($answers[-1])."
    Note 'System V queue' 'questions and answers in one queue' 400 (400 * 4)

    Scene "Shared memory: $Megabytes MB"
    $half = 5MB
    $memory = New-IpcSharedMemory $at.Memory -Size (2 * $half)
    # How many halves are free to be written. Stout takes one before it writes, Thin gives it back when it has read.
    $free = New-IpcSemaphore $at.Free -InitialCount 2
    Ask {
        $memory = Open-IpcObject $at.Memory -Access Read
        $hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')
        $part = [byte[]]::new($memory.Size / 2)
        while (($offset = Receive-IpcMessage $at.Queue -Type 1 -Timeout 60) -ge 0) {
            Read-IpcSharedMemory $memory -Into $part -Offset $offset
            Unlock-IpcObject $at.Free
            $hash.AppendData($part)
        }
        [Convert]::ToHexString($hash.GetHashAndReset()) | Send-IpcMessage $at.Queue -Type 2
        Close-IpcObject $memory
    }
    $hash = [Security.Cryptography.IncrementalHash]::CreateHash('SHA256')
    $part = [byte[]]::new($half)
    $waited = [Diagnostics.Stopwatch]::new()
    $parts = [Math]::Ceiling($Megabytes * 1MB / $half)
    foreach ($i in 1..$parts) {
        [Random]::Shared.NextBytes($part)
        $hash.AppendData($part)
        $offset = ($i % 2) * $half
        $waited.Start()
        Lock-IpcObject $free -Timeout 60
        $waited.Stop()
        Write-IpcSharedMemory $memory $part -Offset $offset
        $offset | Send-IpcMessage $queue -Type 1     # the bytes stay where they are: only their place travels
    }
    -1 | Send-IpcMessage $queue -Type 1
    $mine = [Convert]::ToHexString($hash.GetHashAndReset())
    $its = Receive-IpcMessage $queue -Type 2 -Timeout 60
    if ($its -ne $mine) { throw "Thin read something else than Stout wrote: $its, not $mine." }
    "   Stout  $($parts * $half / 1MB) MB in $parts parts through $($memory.Size / 1MB) MB of memory, their places through the queue."
    "   Stout  SHA-256 at both ends: $($mine.Substring(0, 16))…"
    Note 'shared memory' 'held what both see, unmoved' $parts ($parts * $half)
    Note 'semaphore' 'kept the writer from what was not yet read' $parts 0 $waited.Elapsed.TotalSeconds

    Scene 'The ring: messages in shared memory, without the kernel'
    $ring = New-IpcRing $at.Ring
    Ask {
        $sum = 0L
        $reader = Open-IpcObject $at.Ring -Access Read
        Say 'I am at the ring.'
        foreach ($number in Receive-IpcMessage $reader -All -Timeout 60) { $sum += $number }
        Close-IpcObject $reader
        Say "100,000 numbers came; their sum is $sum."
    }
    Hear
    $clock.Restart()
    1..100000 | Send-IpcMessage $ring -Close
    Hear
    Note 'ring' 'carried messages without system calls' 100000 400000

    Scene 'The end'
    '   Now there are:'
    foreach ($object in Get-IpcObject "*story-$PID", $at.Queue -WarningAction Ignore) { "      $($object.Address)  $($object.Kind)" }
}
finally {
    # Also after an error, or Ctrl+C: then what is not there, or not yet, is no error with -Force.
    if ($thin) { Remove-Job $thin -Force }
    if ($tap) { $tap.Dispose() }
    foreach ($end in $tcp, $unix, $wire) { if ($end) { Close-IpcObject $end } }
    Remove-IpcObject ([string[]] $at.Values) -Force -ErrorAction Continue
}

$after = Get-IpcObject -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
$held = Get-IpcObject -Id $PID -All -WarningAction Ignore | ForEach-Object { $_.Address.Text }
[string[]] $left = $after + $held | Where-Object { $_ -in $at.Values -or ($_ -in $held -and $_ -notin $heldBefore) }
if ($left) { throw "The story left something: $left" }
"   After: $($after.Count) IPC objects on this machine, the same $($held.Count) of them held by this process, none of the story's."

# Bytes are those of what was said, without what IpcPs puts around them; seconds are PowerShell's own share too.
''
$layout -f 'mechanism', 'what it did', 'messages', 'bytes', 'seconds'
$layout -f ('-' * 18), ('-' * 50), ('-' * 8), ('-' * 11), ('-' * 8)
$rows
'{0:N1} seconds in all.' -f $whole.Elapsed.TotalSeconds
