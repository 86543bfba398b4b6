#requires -Version 7.4

<#
.SYNOPSIS
Three workers get stuck. This script finds out where, and frees them.

.DESCRIPTION
Three processes take orders from a queue, and write a report under a mutex. One order needs a price, for which its worker asks on a named
pipe. No process answers. That worker keeps the mutex, the others wait for it, and the queue fills up until the sender waits too.

The script sets this up, and then does what an operator would do: it looks at the depths and locks (Watch-IpcObject), at the processes that
wait for each other (Get-IpcConnection), and at the messages that wait (Trace-IpcChannel). Then it sends the price, and everything goes on.

The output is what each step shows. With -Picture, the picture is drawn before the workers are freed.

.PARAMETER Name
The beginning of the names of all objects.

.PARAMETER Picture
A file for the picture (SVG).

.PARAMETER PassThru
Returns the connections as objects, instead of the texts.

.EXAMPLE
docs/examples/seeing/stuck-pool.ps1 -Picture stuck.svg

Shows each step, and draws the picture.
#>
[CmdletBinding()]
param(
    [ValidateNotNullOrEmpty()]
    [string] $Name = 'shop',

    [string] $Picture,

    [switch] $PassThru
)
$ErrorActionPreference = 'Stop'
if (!(Get-Module IpcPs)) { Import-Module (Join-Path $PSScriptRoot '../../../IpcPs.psd1') }

function Step([string] $Text) { if (!$PassThru) { "`n== $Text" } }

# A System V queue, because the kernel lets one look at its messages. 200 bytes are soon full.
$orders = New-IpcQueue -Kind SysV -MaxBytes 200
$report = New-IpcMutex "$Name-report"
$prices = New-IpcPipe "$Name-prices"
$jobs = @()
try {
    Step 'Three workers and a sender start'
    $jobs += 1..3 | ForEach-Object {
        Start-IpcJob -Name "worker$_" {
            while (($order = Receive-IpcMessage $using:orders) -ne 'closed') {
                Use-IpcLock $using:report {
                    $price = if ($order -eq 'order 3') { Receive-IpcMessage $using:prices } else { 5 }
                    "$order costs $price"
                }
            }
        }
    }
    $jobs += Start-IpcJob -Name sender {
        1..100 | ForEach-Object { "order $_" } | Send-IpcMessage $using:orders -Format Text
        1..3 | ForEach-Object { 'closed' } | Send-IpcMessage $using:orders -Format Text
    }

    # Nothing tells that they are stuck. So this waits until two of them wait for the mutex, and the sender for the queue.
    $limit = [datetime]::Now.AddMinutes(1)
    do {
        if ([datetime]::Now -gt $limit) { throw "The workers are not stuck: $($connections -join '; ')" }
        $connections = Get-IpcConnection -Id $jobs
        $waiting = $connections | Where-Object State -EQ Waits
    } until (@($waiting | Where-Object Kind -EQ mutex).Count -ge 2 -and @($waiting | Where-Object Kind -Like '*queue*').Count -ge 1)

    Step 'Where does it stand? (Watch-IpcObject)'
    $samples = Watch-IpcObject "$Name-*", $orders.AddressText -Count 1 -Interval 0.1 -HeldLongerThan 0.1
    if (!$PassThru) { $samples | Format-Table | Out-String -Width 80 }

    Step 'Which process waits for which? (Get-IpcConnection)'
    if ($PassThru) { $connections }
    else { $waiting | Format-Table | Out-String -Width 80 }
    if ($Picture) {
        $connections | ConvertTo-IpcDiagram -As Svg -Title 'A stuck pool of workers' | Set-Content -LiteralPath $Picture
    }

    Step 'What waits in the queue? (Trace-IpcChannel)'
    $waitingMessages = Trace-IpcChannel $orders -Count 3 -Timeout 20
    if (!$PassThru) { $waitingMessages | Format-Table | Out-String -Width 80 }

    Step 'One worker waits for a price, and keeps the mutex meanwhile. It gets one.'
    'seven' | Send-IpcMessage $prices -Format Text
    $result = $jobs | Receive-Job -Wait
    if (!$PassThru) { "$(@($result).Count) orders were written. $($result -match 'seven')" }
}
finally {
    $jobs | Remove-Job -Force
    Remove-IpcObject $orders, $report, $prices
}
