<#
.SYNOPSIS
    Runs or lists the Pester tests of some files, and writes the result of each test to a JSON file.
.DESCRIPTION
    `dotnet test` uses it to show each Pester test as a test of its own.
#>
[CmdletBinding()]
param(
    # The files.
    [Parameter(Mandatory)]
    [string[]] $Path,

    # Where the JSON goes: an array with an object for each test, in the order of the files and of the tests in them.
    [Parameter(Mandatory)]
    [string] $Result,

    # The Pester module.
    [string] $Pester = 'Pester',

    # Only list the tests.
    [switch] $List
)

$ErrorActionPreference = 'Stop'
Import-Module $Pester

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Run.SkipRun = $List.IsPresent
$configuration.Output.Verbosity = $List ? 'None' : 'Detailed'
$run = Invoke-Pester -Configuration $configuration

function Get-ErrorText($Item) {
    foreach ($record in $Item.ErrorRecord) {
        $record.DisplayErrorMessage ? $record.DisplayErrorMessage : "$record"
        $record.DisplayStackTrace ? $record.DisplayStackTrace : $record.ScriptStackTrace
    }
}

# '<name>' and '<_>' as Pester puts values there, which it does when it runs the test.
function Expand-Name($Name, $Data) {
    if ($Data -isnot [Collections.IDictionary]) { return $Name.Replace('<_>', "$Data") }
    foreach ($key in $Data.Keys) { $Name = $Name.Replace("<$key>", "$($Data[$key])", 'OrdinalIgnoreCase') }
    $Name
}

function Get-TestResult($Block, $Names, $Errors) {
    $Errors += @(Get-ErrorText $Block)
    foreach ($item in $Block.Order) {
        $name = @($Names) + (Expand-Name $item.Name $item.Data)
        if ($item.ItemType -ne 'Test') {
            Get-TestResult $item $name $Errors
            continue
        }
        $text = @(Get-ErrorText $item) + $Errors
        [pscustomobject]@{
            File    = [IO.Path]::GetFileName($item.ScriptBlock.File)
            Name    = $name -join '.'
            Skip    = [bool]$item.Skip
            # A test that passed in a block whose BeforeAll or AfterAll did not has not passed.
            Passed  = $item.Result -in 'Passed', 'Skipped' -and -not $Errors
            Failure = $text -join "`n"
        }
    }
}

$results = foreach ($container in $run.Containers) {
    $errors = @(Get-ErrorText $container)
    $tests = @(foreach ($block in $container.Blocks) { Get-TestResult $block (Expand-Name $block.Name $block.Data) $errors })
    if ($tests) {
        $tests
        continue
    }
    # A file that cannot be read has no test that could fail: it is one.
    [pscustomobject]@{
        File    = $container.Item.Name
        Name    = 'has tests'
        Skip    = $false
        Passed  = $false
        Failure = $errors -join "`n"
    }
}
ConvertTo-Json @($results) | Set-Content $Result
