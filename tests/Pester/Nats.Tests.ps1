# What a user does with a NATS broker. Run by dotnet test. It needs nats-server, and starts one of its own.
BeforeDiscovery {
    # A run without the server says so by the tests that it skips. .ci/run fails without it.
    $noServer = -not (Get-Command nats-server, /usr/sbin/nats-server -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    $env:PATH += ':/usr/sbin'
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
    Import-Module $manifest -Force
    $script:folder = (New-Item -ItemType Directory "/tmp/ipcps-nats-pester-$PID").FullName
    @"
listen: "127.0.0.1:-1"
ports_file_dir: "$folder"
log_file: "$folder/log"
jetstream { store_dir: "$folder/store" }
authorization { users: [ { user: ann, password: "s3cr3t" } ] }
"@ | Set-Content "$folder/conf"
    $script:server = Start-Process nats-server '-c', "$folder/conf" -PassThru
    $limit = [datetime]::Now.AddSeconds(30)
    while (-not ($ports = Get-Item "$folder/*.ports" -ErrorAction Ignore | Get-Content -Raw) -and [datetime]::Now -lt $limit) {
        [Threading.Thread]::Yield() | Out-Null
    }
    $script:port = ([uri]($ports | ConvertFrom-Json).nats[0]).Port
    $env:NATS_URL = "nats://127.0.0.1:$port"
    $env:NATS_USER = 'ann'
    $env:NATS_PASSWORD = 's3cr3t'
}

AfterAll {
    Remove-Item Env:NATS_URL, Env:NATS_USER, Env:NATS_PASSWORD -ErrorAction Ignore
    Stop-Process $server -ErrorAction Ignore
    Wait-Process -Id $server.Id -ErrorAction Ignore
    Remove-Item $folder -Recurse
}

Describe 'Queues of NATS' -Skip:$noServer {
    BeforeEach { $script:queue = New-IpcQueue -Kind Nats -AckWait 1 }
    AfterEach { Remove-IpcObject $queue -Force }

    It 'carries objects with their types, one by one and many at once' {
        1..3 | Send-IpcMessage $queue
        Get-Date -Date '2026-01-02' | Send-IpcMessage $queue.AddressText
        $all = Receive-IpcMessage $queue.AddressText -Count 4 -Timeout 30
        $all[0..2] | Should -Be 1, 2, 3
        $all[3] | Should -BeOfType datetime
        1..1000 | Send-IpcMessage $queue
        (Get-IpcObject $queue.AddressText).Depth | Should -Be 1000
        Receive-IpcMessage $queue -All -NoWait | Should -Be (1..1000)
        (Get-IpcObject $queue.AddressText).Depth | Should -Be 0
        Receive-IpcMessage $queue -NoWait -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'IpcEmpty,*'
    }

    It 'gives a message whose pipeline failed to the next receiver' {
        'work' | Send-IpcMessage $queue
        { Receive-IpcMessage $queue | ForEach-Object { throw 'no' } } | Should -Throw 'no'
        $again = Receive-IpcMessage $queue -Envelope -Timeout 30
        $again.Body, $again.DeliveryCount | Should -Be 'work', 2
        1..3 | Send-IpcMessage $queue
        Receive-IpcMessage $queue -All | Select-Object -First 1 | Should -Be 1
        Receive-IpcMessage $queue -Count 2 -Timeout 30 | Should -Be 2, 3
    }

    It 'gives the message of a receiver that was killed to another one' {
        'precious' | Send-IpcMessage $queue
        $job = Start-IpcJob -ArgumentList $queue.AddressText {
            Receive-IpcMessage $args[0] | ForEach-Object { Send-IpcMessage $IpcParent $_; Start-Sleep 600 }
        }
        Receive-IpcMessage $job -Timeout 60 | Should -Be 'precious'
        Send-IpcSignal $job.ProcessId KILL
        Receive-IpcMessage $queue -Timeout 60 | Should -Be 'precious'
        Remove-Job $job -Force
    }

    It 'looks at a message, waits for it, and makes an event of it' {
        { Wait-IpcObject $queue -Timeout 0.1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
        'here' | Send-IpcMessage $queue -Format Text
        Receive-IpcMessage $queue -Peek | Should -Be 'here'
        (Wait-IpcObject $queue -Timeout 30).Object.AddressText | Should -Be $queue.AddressText
        Register-IpcMessage $queue.AddressText -SourceIdentifier nats -MaxTriggerCount 1
        (Wait-Event nats -Timeout 30).SourceEventArgs.Body | Should -Be 'here'
        Remove-Event nats
    }

    It 'acknowledges the message of an action when it has run, also the last one' {
        1..3 | Send-IpcMessage $queue
        $global:handled = @()
        $null = Register-IpcMessage $queue.AddressText -SourceIdentifier act -MaxTriggerCount 2 -Action {
            $global:handled += $EventArgs.Body
        }
        foreach ($i in 1..3000) { if (!(Get-EventSubscriber act -ErrorAction Ignore)) { break }; Start-Sleep -Milliseconds 20 }
        $handled | Should -Be 1, 2
        # One that ends its own subscription.
        $null = Register-IpcMessage $queue.AddressText -SourceIdentifier act -Action {
            Unregister-Event act
            $global:handled += $EventArgs.Body
        }
        foreach ($i in 1..3000) { if ($handled.Count -eq 3) { break }; Start-Sleep -Milliseconds 20 }
        $handled | Should -Be 1, 2, 3
        foreach ($i in 1..3000) { if ($queue.CurrentMessages -eq 0) { break }; Start-Sleep -Milliseconds 20 }
        $queue.CurrentMessages | Should -Be 0
    }

    It 'is watched by kind and by address, with its depth now' {
        $full = New-IpcQueue -Kind Nats -MaxMessages 3
        try {
            $samples = & {
                'x' | Send-IpcMessage $full
                Watch-IpcObject $full.AddressText -Interval 0.1 -Count 3 | ForEach-Object {
                    $_
                    'x' | Send-IpcMessage $full -NoWait -ErrorAction Ignore
                }
            }
            $samples.Depth | Should -Be 1, 2, 3
            $samples.Marks | Should -Be 'None', 'None', 'Full'
            $samples[2].Capacity, $samples[2].Unit, $samples[2].Kind | Should -Be 3, 'Messages', 'NATS queue'
            $samples[2].MessagesPerSecond | Should -BeGreaterThan 0
            (Watch-IpcObject -Kind Nats -Interval 0.1 -Count 1).AddressText | Should -Contain $full.AddressText
            $there = "nats://127.0.0.1:$port/"
            (Watch-IpcObject "$there*" -Interval 0.1 -Count 1).AddressText | Should -Contain "$there$($full.Address.Name)"
            (Get-IpcObject "$there$($full.Address.Name)").Depth | Should -Be 3
        }
        finally {
            Remove-IpcObject "$there$($full.Address.Name.Substring(0, $full.Address.Name.Length - 1))*" -Confirm:$false
        }
        { Get-IpcObject $full.AddressText -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotFound,*'
    }

    It 'carries the input of a job, and what a named pipe gets' {
        1..5 | Start-IpcJob { $input | ForEach-Object { 2 * $_ } } -Via $queue.AddressText | Receive-Job -Wait -AutoRemoveJob |
            Should -Be 2, 4, 6, 8, 10
        $pipe = New-IpcPipe "pester-nats-$PID"
        try {
            $relay = Join-IpcChannel $pipe $queue -AsJob
            'through a pipe' | Send-IpcMessage $pipe
            Receive-IpcMessage $queue -Timeout 30 | Should -Be 'through a pipe'
        }
        finally {
            Remove-Job $relay -Force
            Remove-IpcObject $pipe
        }
    }

    It 'reports what a full queue refuses, with the value' {
        $full = New-IpcQueue -Kind Nats -MaxMessages 1 -Discard New
        1, 2 | Send-IpcMessage $full -NoWait -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'IpcQueueFull,*'
        $problem.TargetObject | Should -Be 2
        Remove-IpcObject $full
        { New-IpcQueue -Kind Nats -Key 42 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcInvalidArgument,*'
        { New-IpcQueue x -Replicas 3 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcInvalidArgument,*'
    }

    It 'completes the names of what exists' {
        $line = "Receive-IpcMessage nats:$($queue.Address.Name.Substring(0, 8))"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain $queue.AddressText
    }
}

Describe 'Topics of NATS' -Skip:$noServer {
    It 'answers requests' {
        $topic = "nats:pester.$PID`?type=topic"
        { Invoke-IpcRequest $topic 'anyone?' -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNoPeer,*'
        $job = Start-IpcJob {
            $server = Open-IpcObject $args[0] -Access Read
            Send-IpcMessage $IpcParent 'ready'
            $request = Receive-IpcMessage $server -Envelope
            $request.Body * 2 | Send-IpcMessage -ReplyTo $request
        } -ArgumentList $topic
        Receive-IpcMessage $job -Timeout 60 | Should -Be 'ready'
        Invoke-IpcRequest $topic 21 -Timeout 30 | Should -Be 42
        Receive-Job $job -Wait -AutoRemoveJob
    }
}

Describe 'Users of NATS' -Skip:$noServer {
    It 'shows no password in an address, a table, a verbose line or an error' {
        $secret = 's3cr3t'
        $login = [pscredential]::new('ann', (ConvertTo-SecureString $secret -AsPlainText -Force))
        $text = & {
            $ErrorActionPreference = 'Continue'
            $Error.Clear()
            $queue = New-IpcQueue "nats://127.0.0.1:$port/secrets" -Credential $login -Verbose
            $queue | Format-Table
            $queue | Format-List *
            'x' | Send-IpcMessage $queue -Verbose
            Receive-IpcMessage $queue -Verbose
            Remove-IpcObject $queue -Verbose
            Open-IpcObject "nats://ann:$secret@127.0.0.1:$port/secrets"
            Open-IpcObject "nats://ann:$secret/$secret@127.0.0.1:$port/secrets"
            Open-IpcObject "nats://127.0.0.1:$port/secrets" -Credential ([pscredential]::new('bob', $login.Password))
            $env:NATS_URL = "nats://bob:$secret@127.0.0.1:$port"
            Get-IpcObject -Kind Nats
            Open-IpcObject nats:secrets
            $env:NATS_URL = "nats://127.0.0.1:$port"
            $Error | ForEach-Object { $_ | Format-List * -Force; $_.Exception.ToString(); $_.TargetObject }
        } *>&1 | Out-String -Width 500
        $text | Should -Match 'secrets'
        $text | Should -Match 'refuses this user'
        $text | Should -Not -Match $secret
    }

    It 'never takes a connection without encryption for a tls: address' {
        $plain = Open-IpcObject "nats:pester.$PID`?type=topic"
        try {
            { Open-IpcObject "tls:pester.$PID`?type=topic" -ErrorAction Stop } |
                Should -Throw -ErrorId 'IpcAccessDenied,*' -ExpectedMessage "The server 127.0.0.1:$port has no TLS*"
            'x' | Send-IpcMessage $plain -ErrorAction Stop
        }
        finally {
            Close-IpcObject $plain
        }
    }

    It 'costs nothing before the first address' {
        $script = "Import-Module '$manifest'; 1 | Send-IpcMessage (New-IpcPipe)
            function Loaded { [AppDomain]::CurrentDomain.GetAssemblies().GetName().Name.Where{ `$_ -like '*NATS*' } | Sort-Object }
            (Loaded).Count
            1 | Send-IpcMessage 'nats:pester.$PID`?type=topic'
            Loaded"
        $job = Start-Job ([scriptblock]::Create($script))
        $before, $after = Receive-Job $job -Wait
        $before | Should -Be 0
        $after | Should -Contain 'IpcPs.Nats'
        $after | Should -Contain 'NATS.Client.Core'
        Remove-Job $job
    }
}
