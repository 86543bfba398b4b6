#Requires -Version 7.4
<#
.SYNOPSIS
Counts words in files with several worker processes, which it feeds over pipes.

.DESCRIPTION
Starts -Workers child processes. Each file's lines are streamed to one of them, as messages through an anonymous pipe; a
worker counts what it gets until its channel is closed, and gives its counts back as objects. The 20 most frequent words and the
total are printed; upper and lower case count as the same word.

A word is what stands between white space, as for `wc -w`: the total is the same as that of `wc -w` for the same files.

Runs under pwsh and under ipcps, which has none of PowerShell's utility commands: hence .NET's classes here and there.

.PARAMETER Path
A folder, whose .cs, .md and .ps1 files are read, or one file. Default: this repository's src.

.PARAMETER Workers
How many processes count. Default: 2.

.EXAMPLE
docs/examples/word-count.ps1 -Path /usr/share/common-licenses -Workers 4
#>
[CmdletBinding()]
param(
    [string] $Path = [IO.Path]::GetFullPath("$PSScriptRoot/../../src"),
    [ValidateRange(1, 64)] [int] $Workers = 2
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module IpcPs)) { Import-Module "$PSScriptRoot/../../IpcPs.psd1" }

$full = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
[string[]] $files = if ([IO.Directory]::Exists($full)) {
    $kept = foreach ($file in [IO.Directory]::EnumerateFiles($full, '*', 'AllDirectories')) {
        # A checkout's sources, not what its builds put between them; a folder without any is taken whole.
        if ($file -match '\.(cs|md|ps1)$' -and $file -notmatch '/(bin|obj)/') { $file }
    }
    if ($kept) { $kept } else { [IO.Directory]::EnumerateFiles($full) }
} else { $full }

$count = {
    $words = 0L
    $times = @{}
    Receive-IpcMessage $IpcParent -All | ForEach-Object {
        foreach ($word in $_.Split([char[]] $null, [StringSplitOptions]::RemoveEmptyEntries)) {
            $words++
            $times[$word]++
        }
    }
    [pscustomobject]@{ Worker = $PID; Words = $words; Times = $times }
}
[object[]] $jobs = foreach ($number in 1..$Workers) { Start-IpcJob $count -Name "counter $number" }

$done = 0
foreach ($file in $files) {
    [IO.File]::ReadLines($file) | Send-IpcMessage $jobs[$done % $Workers]
    $done++
    $progress = [Management.Automation.ProgressRecord]::new(1, 'Counting words', "$done of $($files.Count) files sent")
    $progress.PercentComplete = 100 * $done / $files.Count
    $PSCmdlet.WriteProgress($progress)
}
# The end of their channel is what the workers wait for.
$jobs.Channel | Close-IpcObject
$results = $jobs | Receive-Job -Wait -AutoRemoveJob

$total = 0L
$all = [Collections.Generic.Dictionary[string, long]]::new([StringComparer]::OrdinalIgnoreCase)
foreach ($result in $results) {
    $total += $result.Words
    # Not $result.Times.Keys: "Keys" may be one of the words.
    foreach ($entry in $result.Times.GetEnumerator()) {
        $known = 0L
        $null = $all.TryGetValue($entry.Key, [ref] $known)
        $all[$entry.Key] = $known + $entry.Value
    }
}

'{0,8}  {1}' -f 'count', 'word'
$order = [Linq.Enumerable]::OrderByDescending($all, [Func[Collections.Generic.KeyValuePair[string, long], long]] { param($pair) $pair.Value })
foreach ($pair in [Linq.Enumerable]::Take($order, 20)) { '{0,8}  {1}' -f $pair.Value, $pair.Key }
''
foreach ($result in $results) { '{0,8}  words counted by process {1}' -f $result.Words, $result.Worker }
'{0,8}  words in {1} files' -f $total, $files.Count
