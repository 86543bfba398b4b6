#requires -Version 7.4

<#
.SYNOPSIS
Goes on while a host and a broker are lost.

.DESCRIPTION
Makes two hosts and three brokers on this machine, uses them, and removes them. A host is a network namespace with an sshd. The brokers are
a cluster of nats-server, on loopback.

1. A word count. Four workers, two on each host, count the words of files, and a process on the second host adds up what they found. While
   they work, the network to the first host is cut. Its workers start again on the other host, and each file that they worked on is counted
   by another worker.
2. A queue of orders, of which each broker has a copy. While one process sends orders and another one receives them, a broker is killed and
   started again, then the next one. Every order that was confirmed is received.

Both results are compared with the right ones. The output is one object for each part. With -Verbose, the script reports what it does.

It needs root, and the programs sshd, ssh, ssh-keygen, ip and nats-server (Debian: openssh-server, iproute2, nats-server). Your own ssh
files are not used.

.PARAMETER Path
The folders whose .md and .cs files are counted. The default is the documents of IpcPs.

.PARAMETER Orders
How many orders are sent.

.EXAMPLE
docs/examples/more-than-one-machine/two-hosts-three-brokers.ps1 -Verbose

Reports each step, and returns two objects: WordCount and Orders. Their Result is Right.
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param(
    [ValidateScript({ Test-Path -LiteralPath $_ }, ErrorMessage = "The path '{0}' does not exist.")]
    [string[]] $Path = (Join-Path $PSScriptRoot '../..'),

    [ValidateRange(100, 100000)]
    [int] $Orders = 2000
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
if (-not (Get-Module -Name IpcPs)) {
    Import-Module -Name (Join-Path $PSScriptRoot '../../../IpcPs.psd1') -Verbose:$false
}
if ([Environment]::UserName -ne 'root') { throw 'Only root can make network namespaces. Run it as root.' }
$env:PATH += ':/usr/sbin'
$missing = 'sshd', 'ssh', 'ssh-keygen', 'ip', 'nats-server' | Where-Object { -not (Get-Command $_ -ErrorAction Ignore) }
if ($missing) { throw "These programs are missing: $($missing -join ', '). Install openssh-server, iproute2 and nats-server." }

$folder = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "ipcps-machines-$PID")).FullName
$brokers, $hosts = @(), @()

function New-TestHost([int] $Number) {
    # 198.18.0.0/15 is for tests (RFC 2544): no real network has it.
    $name, $net = "ipcps$PID-$Number", "198.18.$($PID % 250).$(16 * $Number + 128)"
    $near, $far = ($net -replace '\d+$', (16 * $Number + 129)), ($net -replace '\d+$', (16 * $Number + 130))
    $null = New-Item -ItemType Directory "$folder/$Number/run", "$folder/$Number/cache"
    ip netns add $name
    ip link add "ipx$PID$Number" type veth peer name eth0 netns $name
    ip address add "$near/30" dev "ipx$PID$Number"
    ip link set "ipx$PID$Number" up
    ip -n $name address add "$far/30" dev eth0
    ip -n $name link set eth0 up
    ip -n $name link set lo up
    Set-Content "$folder/$Number/sshd_config" @"
ListenAddress $far
HostKey $folder/host_key
PidFile none
AuthorizedKeysFile $folder/user_key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
SetEnv PATH=$folder`:/usr/local/bin:/usr/bin:/bin XDG_RUNTIME_DIR=$folder/$Number/run XDG_CACHE_HOME=$folder/$Number/cache
"@
    ip netns exec $name (Get-Command sshd).Source -f "$folder/$Number/sshd_config" -E "$folder/$Number/log"
    Add-Content "$folder/known_hosts" "$far $(Get-Content "$folder/host_key.pub")"
    [pscustomobject]@{ Namespace = $name; Link = "ipx$PID$Number"; HostName = $far }
}

function Start-TestBroker($Broker) {
    $Broker.Process = Start-Process nats-server '-c', "$folder/broker$($Broker.Number).conf" -PassThru
}

function Add-Received {
    $script:received += @(Receive-Job $receiving)
}

function Get-FreePort {
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    try { $listener.LocalEndpoint.Port } finally { $listener.Stop() }
}

# Waits for something that this script can only ask for.
function Wait-Until([scriptblock] $Condition, [string] $What) {
    $limit = [Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Condition)) {
        if ($limit.Elapsed.TotalSeconds -gt 120) { throw "Waited 120 s for $What." }
        Start-Sleep -Milliseconds 50
    }
}

try {
    Write-Verbose 'Two hosts.'
    'host_key', 'user_key' | ForEach-Object { ssh-keygen -q -t ed25519 -N '' -C example -f "$folder/$_" }
    $null = New-Item -ItemType Directory /run/sshd -Force
    # The pwsh that the hosts find: the one that runs this script.
    $pwsh = [Environment]::ProcessPath
    if ($pwsh -like '*/dotnet') { $pwsh += " $PSHOME/pwsh.dll" }
    Set-Content "$folder/pwsh" "#!/bin/sh", "exec $pwsh `"`$@`""
    chmod +x "$folder/pwsh"
    $hosts = foreach ($number in 0, 1) { New-TestHost $number }
    $ssh = @{
        KeyFilePath = "$folder/user_key"
        Options = @{
            UserKnownHostsFile = "$folder/known_hosts"
            GlobalKnownHostsFile = '/dev/null'
            IdentitiesOnly = 'yes'
            IdentityAgent = 'none'
        }
    }

    # 1. The stages of one pipeline on two hosts.
    $files = @(Get-ChildItem -LiteralPath $Path -Recurse -File -Include *.md, *.cs | Where-Object FullName -NotMatch '/(bin|obj)/')
    Write-Verbose "Counting the words of $($files.Count) files with four workers on $($hosts.HostName -join ' and ')."
    $counting = $files.FullName | Start-IpcJob -HostName $hosts.HostName @ssh -Workers 4 -Retry 3 -Process {
        # As slow as real work, so that some of it is going on when the host is lost.
        Start-Sleep -Milliseconds 100
        [pscustomobject]@{ File = $_; Words = @(-split [IO.File]::ReadAllText($_)).Count }
    }
    $adding = $counting | Start-IpcJob -HostName $hosts[1].HostName @ssh {
        $sum = $input | Measure-Object Words -Sum
        [pscustomobject]@{ Files = $sum.Count; Words = $sum.Sum }
    }
    $lost = $hosts[0].HostName
    Wait-Until { ($counting.Workers | Where-Object HostName -EQ $lost | Measure-Object ItemsDone -Sum).Sum -ge 2 } 'the first files'
    Write-Verbose "The network to $($hosts[0].HostName) is cut."
    ip link set $hosts[0].Link down
    $sum = Receive-Job $adding -Wait
    $failed = Receive-Job $counting -ErrorAction SilentlyContinue
    $words = ($files | ForEach-Object { @(-split [IO.File]::ReadAllText($_.FullName)).Count } | Measure-Object -Sum).Sum
    [pscustomobject]@{
        Part = 'WordCount'
        Lost = $hosts[0].HostName
        Found = "$($sum.Words) words in $($sum.Files) files"
        Result = if ($sum.Words -eq $words -and $sum.Files -eq $files.Count -and -not $failed) { 'Right' } else { "Wrong: $words words" }
    }
    Remove-Job $adding -Force

    # 2. A queue that three brokers keep.
    $routes = 1..3 | ForEach-Object { Get-FreePort }
    $allRoutes = ($routes | ForEach-Object { "`"nats://127.0.0.1:$_`"" }) -join ', '
    $brokers = foreach ($number in 0..2) {
        $broker = [pscustomobject]@{ Number = $number; Port = Get-FreePort; Process = $null }
        Set-Content "$folder/broker$number.conf" @"
server_name: "broker$number"
listen: "127.0.0.1:$($broker.Port)"
log_file: "$folder/broker$number.log"
jetstream { store_dir: "$folder/broker$number" }
cluster { name: "example", listen: "127.0.0.1:$($routes[$number])", routes: [ $allRoutes ] }
"@
        Start-TestBroker $broker
        $broker
    }
    $address = "nats://$(($brokers | ForEach-Object { "127.0.0.1:$($_.Port)" }) -join ',')/orders"
    Write-Verbose "Three brokers, and the queue $address."
    $queue = New-IpcQueue $address -Kind Nats -Replicas 3 -AckWait 5 -Timeout 120
    $receiving = Start-IpcJob {
        $expected = $using:Orders
        $seen = [Collections.Generic.HashSet[int]]::new()
        while ($seen.Count -lt $expected) {
            Receive-IpcMessage $using:address -Timeout 120 -Count ($expected - $seen.Count) | ForEach-Object {
                $again = -not $seen.Add($_.Id)
                [pscustomobject]@{ Id = $_.Id; Again = $again }
            }
        }
    }
    $sending = Start-IpcJob {
        1..$using:Orders | ForEach-Object {
            if ($_ % 100 -eq 0) { Start-Sleep -Milliseconds 200 }
            [pscustomobject]@{ Id = $_; Item = "item $_" }
        } | Send-IpcMessage $using:address -Timeout 120
    }
    $received = @()
    foreach ($broker in $brokers[0, 1]) {
        $before = $received.Count
        Wait-Until { Add-Received; $received.Count -ge [Math]::Min($before + $Orders / 10, $Orders) } 'orders'
        Write-Verbose "Broker $($broker.Number) is killed."
        $broker.Process.Kill()
        $broker.Process.WaitForExit()
        $before = $received.Count
        Wait-Until { Add-Received; $received.Count -ge [Math]::Min($before + 1, $Orders) } 'orders from the other brokers'
        Start-TestBroker $broker
    }
    Receive-Job $sending -Wait
    $received += @(Receive-Job $receiving -Wait)
    $distinct = @($received.Id | Sort-Object -Unique)
    [pscustomobject]@{
        Part = 'Orders'
        Lost = 'brokers 0 and 1'
        Found = "$($distinct.Count) orders, $(@($received | Where-Object Again).Count) of them twice"
        Result = if ($distinct.Count -eq $Orders -and $distinct[-1] -eq $Orders) { 'Right' } else { "Wrong: $Orders orders" }
    }
    # The brokers go with all that they keep.
    Close-IpcObject $queue
}
finally {
    Get-Job | Where-Object { $_ -is [IpcPs.Module.Jobs.Parent.IpcJob] } | Remove-Job -Force
    $PSNativeCommandUseErrorActionPreference = $false
    foreach ($broker in $brokers) { if (-not $broker.Process.HasExited) { $broker.Process.Kill(); $broker.Process.WaitForExit() } }
    foreach ($one in $hosts) {
        ip netns pids $one.Namespace | ForEach-Object { kill -9 $_ 2> $null }
        ip link delete $one.Link
        ip netns delete $one.Namespace
    }
    chmod -R u+w $folder
    Remove-Item $folder -Recurse -Force
}
