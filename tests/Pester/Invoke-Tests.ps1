<#
.SYNOPSIS
    Runs the Pester tests of this folder, says what failed, and ends with exit code 1 then.
#>
[CmdletBinding()]
param(
    # Only the files whose names match.
    [string] $Name = '*'
)

Import-Module Pester -MinimumVersion 5.0 -ErrorAction Stop

$configuration = New-PesterConfiguration
$configuration.Run.Path = @(Get-ChildItem $PSScriptRoot -Filter "$Name.Tests.ps1" | ForEach-Object FullName)
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$result = Invoke-Pester -Configuration $configuration

foreach ($test in $result.Failed) { "FAILED: $($test.ExpandedPath)`n    $($test.ErrorRecord | Select-Object -First 1)" }
# A file that cannot even be read, and a block whose BeforeAll fails, have no test that could fail.
$broken = @($result.FailedBlocks) + @($result.FailedContainers)
foreach ($item in $broken) { "FAILED: $item`n    $($item.ErrorRecord | Select-Object -First 1)" }
"Pester: $($result.PassedCount) passed, $($result.FailedCount + $broken.Count) failed, $($result.SkippedCount) skipped"
exit [int]($result.FailedCount + $broken.Count -gt 0)
