<#
.SYNOPSIS
    Builds, tests and packs IpcPs: a thin front for MSBuild, which does the work.
.EXAMPLE
    ./build.ps1
    Builds everything; then `Import-Module ./IpcPs.psd1` works.
.EXAMPLE
    ./build.ps1 Build, Test
#>
[CmdletBinding()]
param(
    # Build: all projects, the module's layout and its help. Test: all tests. Pester: those of tests/Pester only.
    # Package: the packages of the module and of IpcPs.Core, in artifacts/. Docs: the help that Get-Help reads, of docs/en-US.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Pester', 'Package', 'Docs')]
    [string[]] $Task = 'Build',

    # Package always builds Release.
    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Debug'
)

$ErrorActionPreference = 'Stop'

function Invoke-Dotnet {
    dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "'dotnet $args' ended with exit code $LASTEXITCODE." }
}

switch ($Task) {
    Build { Invoke-Dotnet build "$PSScriptRoot/IpcPs.sln" -c $Configuration }
    # One project after the other: each looks at the whole machine's objects.
    Test { Invoke-Dotnet test "$PSScriptRoot/IpcPs.sln" -c $Configuration -m:1 }
    Pester { Invoke-Dotnet test "$PSScriptRoot/tests/IpcPs.Module.Tests" -c $Configuration --filter FullyQualifiedName~PesterTests }
    Package { Invoke-Dotnet pack "$PSScriptRoot/IpcPs.sln" -c Release }
    Docs { Invoke-Dotnet build "$PSScriptRoot/src/IpcPs.Module" -c $Configuration }
}
