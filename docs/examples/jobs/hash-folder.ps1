#requires -Version 7.4

<#
.SYNOPSIS
Computes the hash of every file in a folder, on all processors.

.DESCRIPTION
Pipes the files of a folder to Invoke-IpcParallel, which shares them among worker processes. The output is one object for each file, in the
order of the files: its path, its length and its SHA-256. A file that can't be read is an error, and the others go on.

With -Log, an interrupted run can be continued: the same command with -Resume leaves out the files that were hashed already.

With -Compare, the same is done with ForEach-Object -Parallel, and the output is one object for each way: files, seconds, and whether both
gave the same hashes.

.PARAMETER Path
The folder. The default is the folder of PowerShell itself.

.PARAMETER Workers
How many processes compute. The default is the number of processors.

.PARAMETER Log
A file that gets a line for each file that was hashed.

.PARAMETER Resume
Leaves out the files that the log has.

.PARAMETER Compare
Measures ForEach-Object -Parallel beside it.

.EXAMPLE
docs/examples/jobs/hash-folder.ps1 -Path /usr/share/doc | Export-Csv hashes.csv

Writes the hashes of all files under /usr/share/doc to a file, with a progress bar on the way.

.EXAMPLE
docs/examples/jobs/hash-folder.ps1 -Path /usr/share/doc -Compare

Shows how long both ways take.
#>
[CmdletBinding(DefaultParameterSetName = 'Hash')]
[OutputType([pscustomobject])]
param(
    [Parameter(Position = 0)]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Container }, ErrorMessage = "'{0}' is not a folder.")]
    [string] $Path = $PSHOME,

    [ValidateRange(1, 64)]
    [int] $Workers = [Environment]::ProcessorCount,

    [Parameter(ParameterSetName = 'Hash')]
    [string] $Log,

    [Parameter(ParameterSetName = 'Hash')]
    [switch] $Resume,

    [Parameter(Mandatory, ParameterSetName = 'Compare')]
    [switch] $Compare
)

Set-StrictMode -Version Latest
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../../IpcPs.psd1') -Verbose:$false
}

# By path and not as FileInfo: a path is all that a worker needs.
$getFiles = { (Get-ChildItem -LiteralPath $Path -Recurse -File).FullName | Sort-Object }

if (-not $Compare) {
    $options = @{ Workers = $Workers; Ordered = $true; Progress = $true }
    if ($Log) { $options += @{ Log = $Log; Resume = $Resume } }
    & $getFiles | Invoke-IpcParallel @options -Process {
        $hash = Get-FileHash -LiteralPath $_ -ErrorAction Stop
        [pscustomobject]@{ Path = $_; Length = (Get-Item -LiteralPath $_ -Force).Length; SHA256 = $hash.Hash }
    }
    return
}

$files = & $getFiles
$ways = [ordered]@{
    'Invoke-IpcParallel' = { $files | Invoke-IpcParallel { (Get-FileHash -LiteralPath $_).Hash } -Workers $Workers }
    'ForEach-Object -Parallel' = { $files | ForEach-Object -Parallel { (Get-FileHash -LiteralPath $_).Hash } -ThrottleLimit $Workers }
}
$reference = $null
foreach ($name in $ways.Keys) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $hashes = & $ways[$name] | Sort-Object
    $seconds = $clock.Elapsed.TotalSeconds
    $reference ??= $hashes
    [pscustomobject]@{
        Way = $name
        Files = $files.Count
        Seconds = [Math]::Round($seconds, 2)
        Same = [string]::Join(',', $hashes) -eq [string]::Join(',', $reference)
    }
}
