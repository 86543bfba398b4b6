#requires -Version 7.4

<#
.SYNOPSIS
Copies a large file from one PowerShell process to another through shared memory, and verifies the copy.

.DESCRIPTION
The data goes through shared memory of two parts: while the receiver reads one part, the sender fills the other. A semaphore counts the
free parts, so that no part is overwritten before it is read. A message queue carries only the announcement and the offset of each part.
At the end the sender compares the SHA-256 of the file with that of the copy.

Without -Role the script is the sender, and it starts the receiver as a job. With -Role the two run in two terminals.

The sender creates all objects, and it removes them at the end, also after an error or Ctrl+C.

.PARAMETER Path
The file to send. Without it, the script makes a temporary file of random bytes.

.PARAMETER Megabytes
The size of the temporary file, in megabytes. The default is 200.

.PARAMETER PartSize
The size of each of the two parts, in bytes. The default is 4 MB.

.PARAMETER Destination
Where the receiver writes the copy. Without it, the copy is a temporary file, which is deleted after the comparison.

.PARAMETER Role
Send or Receive: the side that this process plays. Both is the default.

.PARAMETER Name
The name of the objects. Both sides need the same name. The default is unique.

.PARAMETER Timeout
How many seconds one side waits for the other. The default is 60.

.EXAMPLE
docs/examples/big-data.ps1

Sends 200 MB of random bytes from one process to another.

.EXAMPLE
docs/examples/big-data.ps1 -Role Receive -Name film -Destination copy.mkv
docs/examples/big-data.ps1 -Role Send -Name film -Path film.mkv

Sends a file between two terminals. The first line belongs in one terminal, the second line in the other.
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param(
    [Parameter(Position = 0)]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf }, ErrorMessage = "The file '{0}' does not exist.")]
    [string] $Path,

    [ValidateRange(1, 100000)]
    [int] $Megabytes = 200,

    [ValidateRange(1, 1GB)]
    [int] $PartSize = 4MB,

    [ValidateNotNullOrEmpty()]
    [string] $Destination,

    [ValidateSet('Both', 'Send', 'Receive')]
    [string] $Role = 'Both',

    [ValidateNotNullOrEmpty()]
    [string] $Name = "big-data-$PID",

    [ValidateRange(0.001, 86400)]
    [double] $Timeout = 60
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Verbose:$false
}

$queueAddress = "mq:/$Name"            # From the sender: the announcement, the offset of each part, the end.
$replyAddress = "mq:/$Name-replies"    # From the receiver: its process id, then the hash of the copy; or its error.
$memoryAddress = "shm:/$Name"
$semaphoreAddress = "sem:/$Name"

# Fills a file with random bytes.
function Write-RandomFile([IO.FileInfo] $File, [int] $Megabytes) {
    $stream = $File.OpenWrite()
    try {
        $block = [byte[]]::new(1MB)
        for ($count = 0; $count -lt $Megabytes; $count++) {
            [Random]::Shared.NextBytes($block)
            $stream.Write($block)
        }
    }
    finally {
        $stream.Dispose()
    }
}

# Returns the receiver's next reply. An error of the receiver is thrown here.
function Receive-Reply {
    $reply = Receive-IpcMessage $replyAddress -Timeout $Timeout
    if ($reply.ContainsKey('Error')) { throw "The receiver failed: $($reply.Error)" }
    $reply
}

# The sender's side.
function Send-File([IO.FileInfo] $File) {
    $stream = $queue = $replyQueue = $memory = $freeParts = $receiver = $null
    try {
        $stream = $File.OpenRead()
        $queue = New-IpcQueue $queueAddress
        $replyQueue = New-IpcQueue $replyAddress
        $memory = New-IpcSharedMemory $memoryAddress -Size (2L * $PartSize)
        $freeParts = New-IpcSemaphore $semaphoreAddress -InitialCount 2

        if ($Role -eq 'Both') {
            $parameters = @{ Role = 'Receive'; Name = $Name; Timeout = $Timeout }
            if ($Destination) { $parameters.Destination = $Destination }
            $receiver = Start-IpcJob { param($Script, $Parameters) & $Script @Parameters } -ArgumentList $PSCommandPath, $parameters
        }
        @{ Memory = $memoryAddress; Semaphore = $semaphoreAddress; PartSize = $PartSize } | Send-IpcMessage $queue
        $receiverId = (Receive-Reply).ProcessId
        Write-Verbose "Process $PID sends $($stream.Length) bytes to process $receiverId."

        $watch = [Diagnostics.Stopwatch]::StartNew()
        $part = [byte[]]::new($PartSize)
        $offset = 0L
        while (($length = $stream.ReadAtLeast($part, $PartSize, $false)) -gt 0) {
            Lock-IpcObject $freeParts -Timeout $Timeout
            Write-IpcSharedMemory $memory $part -Offset $offset
            @{ Offset = $offset; Length = $length } | Send-IpcMessage $queue -Timeout $Timeout
            $offset = $PartSize - $offset     # The other part.

            $status = "$($stream.Position) of $($stream.Length) bytes"
            Write-Progress -Activity 'Sending' -Status $status -PercentComplete (100 * $stream.Position / $stream.Length)
        }
        # When both parts are free again, the receiver has read all of the file.
        1..2 | ForEach-Object { Lock-IpcObject $freeParts -Timeout $Timeout }
        $seconds = $watch.Elapsed.TotalSeconds
        @{ Offset = 0L; Length = 0 } | Send-IpcMessage $queue -Timeout $Timeout

        $sha256 = (Get-FileHash -LiteralPath $File.FullName -Algorithm SHA256).Hash
        $copySha256 = (Receive-Reply).Sha256
        if ($copySha256 -ne $sha256) { throw "The copy differs from the file: its SHA-256 is $copySha256 instead of $sha256." }
        [pscustomobject]@{
            Bytes              = $stream.Length
            Sha256             = $sha256
            SenderId           = $PID
            ReceiverId         = $receiverId
            Seconds            = [Math]::Round($seconds, 3)
            MegabytesPerSecond = [Math]::Round($stream.Length / 1MB / $seconds)
        }
    }
    finally {
        Write-Progress -Activity 'Sending' -Completed
        if ($receiver) { Remove-Job $receiver -Force }
        if ($stream) { $stream.Dispose() }
        # Only the objects that this script has created: the same names may belong to another pair.
        $queue, $replyQueue, $memory, $freeParts | Where-Object { $_ } | Remove-IpcObject -ErrorAction Continue
    }
}

# The receiver's side.
function Receive-File([string] $Path) {
    $stream = $queue = $memory = $freeParts = $null
    try {
        $queue = Open-IpcObject $queueAddress -Wait -Timeout $Timeout
        $announcement = Receive-IpcMessage $queue -Timeout $Timeout
        $memory = Open-IpcObject $announcement.Memory -Access Read
        $freeParts = Open-IpcObject $announcement.Semaphore
        $stream = [IO.File]::Create($Path)
        @{ ProcessId = $PID } | Send-IpcMessage $replyAddress -Timeout $Timeout

        $part = [byte[]]::new($announcement.PartSize)
        while (($next = Receive-IpcMessage $queue -Timeout $Timeout).Length -gt 0) {
            Read-IpcSharedMemory $memory -Into $part -Offset $next.Offset
            Unlock-IpcObject $freeParts     # The sender may fill this part again.
            $stream.Write($part, 0, $next.Length)
        }
        $stream.Dispose()

        $copy = Get-Item -LiteralPath $Path
        $sha256 = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash
        @{ Sha256 = $sha256 } | Send-IpcMessage $replyAddress -Timeout $Timeout
        [pscustomobject]@{ Path = $Path; Bytes = $copy.Length; Sha256 = $sha256 }
    }
    catch {
        # Without this the sender would wait for a reply until its timeout.
        if ($queue) { @{ Error = "$_" } | Send-IpcMessage $replyAddress -Timeout $Timeout }
        throw
    }
    finally {
        if ($stream) { $stream.Dispose() }
        $queue, $memory, $freeParts | Where-Object { $_ } | Close-IpcObject
    }
}

$temporaryFile = $null
try {
    if ($Role -eq 'Receive') {
        if ($Destination) {
            Receive-File $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Destination)
        }
        else {
            $temporaryFile = New-TemporaryFile
            Receive-File $temporaryFile.FullName
        }
    }
    elseif ($Path) {
        Send-File (Get-Item -LiteralPath $Path)
    }
    else {
        $temporaryFile = New-TemporaryFile
        Write-RandomFile $temporaryFile $Megabytes
        Send-File $temporaryFile
    }
}
finally {
    if ($temporaryFile) { Remove-Item -LiteralPath $temporaryFile.FullName -Force }
}
