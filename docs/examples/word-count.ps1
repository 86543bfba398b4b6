#requires -Version 7.4

<#
.SYNOPSIS
Counts the words of text files in several worker processes.

.DESCRIPTION
Starts worker processes and sends them the lines of the files through anonymous pipes, each file to one worker. A worker counts words until
its channel is closed. Then its output, one object for each word, comes back to this script, which adds up the counts of all workers.

A word is what stands between white space, as it is for `wc -w`. Upper and lower case count as the same word.

The output is one object for each word, the most frequent word first. With -Verbose the script reports how many words each worker counted.

.PARAMETER Path
The folders and files to read. In a folder, the .cs, .md and .ps1 files are read, or all files where there are none of these. The default is
the source code of IpcPs.

.PARAMETER Workers
How many processes count. The default is 2.

.EXAMPLE
docs/examples/word-count.ps1 | Select-Object -First 10

Lists the ten most frequent words in the source code of IpcPs.

.EXAMPLE
docs/examples/word-count.ps1 -Path /usr/share/common-licenses -Workers 4 | Measure-Object -Property Count -Sum

The sum is what `cat /usr/share/common-licenses/* | wc -w` prints.
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param(
    [Parameter(Position = 0)]
    [ValidateScript({ Test-Path -LiteralPath $_ }, ErrorMessage = "The path '{0}' does not exist.")]
    [string[]] $Path = (Join-Path $PSScriptRoot '../../src'),

    [ValidateRange(1, 64)]
    [int] $Workers = 2
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Verbose:$false
}

$files = @(
    foreach ($item in Get-Item -LiteralPath $Path) {
        $found = @(Get-ChildItem -LiteralPath $item.FullName -Recurse -File)
        # The folders bin and obj of a checkout hold what the build has made.
        $sources = @($found | Where-Object { $_.Extension -in '.cs', '.md', '.ps1' -and $_.FullName -notmatch '/(bin|obj)/' })
        if ($sources) { $sources } else { $found }
    }
)

$countWords = {
    # The split of a blank line gives one empty string.
    $words = Receive-IpcMessage $IpcParent -All | ForEach-Object { (-split $_) -ne '' }
    $words | Group-Object -NoElement | Select-Object -Property Name, Count
}

$jobs = @()
try {
    $jobs = @(foreach ($number in 1..$Workers) { Start-IpcJob $countWords -Name "counter $number" })

    for ($index = 0; $index -lt $files.Count; $index++) {
        $status = "$index of $($files.Count) files are sent"
        Write-Progress -Activity 'Counting words' -Status $status -PercentComplete (100 * $index / $files.Count)
        Get-Content -LiteralPath $files[$index].FullName | Send-IpcMessage $jobs[$index % $Workers] -Format Text
    }

    # A worker's output comes when its channel is closed.
    $jobs | ForEach-Object Channel | Close-IpcObject
    $counts = foreach ($job in $jobs) {
        $words = @(Receive-Job $job -Wait)
        $sum = $words | Measure-Object -Property Count -Sum | ForEach-Object Sum
        Write-Verbose "Process $($job.ProcessId) counted $($sum ?? 0) words."
        $words
    }
}
finally {
    Write-Progress -Activity 'Counting words' -Completed
    $jobs | Remove-Job -Force
}

$totals = @{}
foreach ($count in $counts) {
    $totals[$count.Name] += $count.Count
}
$totals.GetEnumerator() |
    Sort-Object -Property @{ Expression = 'Value'; Descending = $true }, Key |
    ForEach-Object { [pscustomobject]@{ Word = $_.Key; Count = $_.Value } }
