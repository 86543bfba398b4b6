<#
.SYNOPSIS
    Builds, tests and packs IpcPs: a thin front for MSBuild, which does the work.
.EXAMPLE
    ./build.ps1
    Builds everything; then `Import-Module ./IpcPs.psd1` works.
.EXAMPLE
    ./build.ps1 Build, Test, Pester
#>
[CmdletBinding()]
param(
    # Build: all projects, the module's layout and its help. Test: the xunit tests. Pester: tests/Pester, which needs pwsh and Pester 5.
    # Package: the packages of the module and of IpcPs.Core, in artifacts/. Docs: the help that Get-Help reads, of docs/en-US.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Pester', 'Package', 'Docs')]
    [string[]] $Task = 'Build',

    # Package always builds Release.
    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Debug'
)

$ErrorActionPreference = 'Stop'

# Written without Microsoft.PowerShell.Utility, so that `ipcps build.ps1` works too.
function Invoke-Tool {
    $tool, $arguments = $args
    & $tool @arguments
    if ($LASTEXITCODE -ne 0) { throw "'$($args -join ' ')' ended with exit code $LASTEXITCODE." }
}

$actions = @{
    Build   = { Invoke-Tool dotnet build "$PSScriptRoot/IpcPs.sln" -c $Configuration }
    Test    = { Invoke-Tool dotnet test "$PSScriptRoot/IpcPs.sln" -c $Configuration -m:1 }
    Pester  = {
        Invoke-Tool dotnet build "$PSScriptRoot/src/IpcPs.Host" -c $Configuration
        Invoke-Tool pwsh -NoProfile -NonInteractive -File "$PSScriptRoot/tests/Pester/Invoke-Tests.ps1"
    }
    Package = { Invoke-Tool dotnet pack "$PSScriptRoot/IpcPs.sln" -c Release }
    Docs    = { Invoke-Tool dotnet build "$PSScriptRoot/src/IpcPs.Module" -c $Configuration }
}
foreach ($name in $Task) { & $actions[$name] }
