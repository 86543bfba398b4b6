# What a user does with relays. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:name = "pester-relay-$PID"
}

Describe 'Relays' {
    AfterEach {
        Get-Job | Remove-Job -Force
        Remove-IpcObject "mq:/$name" -Force
    }

    It 'turns lines into objects and says what it did' {
        $pipe, $queue = (New-IpcPipe), (New-IpcQueue "mq:/$name")
        "first`nsecond`n" | Send-IpcMessage $pipe -Format Bytes -Close
        $result = Join-IpcChannel $pipe $queue -FromFormat Text -ToFormat Object
        $result.Messages, $result.EndedBy, $result.Failed | Should -Be 2, 'From', 0
        $result.BytesPerSecond | Should -BeGreaterThan 0
        Receive-IpcMessage $queue -Count 2 | Should -Be 'first', 'second'
        # And back: an object becomes a line.
        @{ a = 1 } | Send-IpcMessage $queue
        $lines = New-IpcPipe
        $null = Join-IpcChannel "mq:/$name" $lines.Writer -ToFormat Json -Count 1
        Receive-IpcMessage $lines -Format Bytes | ForEach-Object { [Text.Encoding]::UTF8.GetString($_) } | Should -Be "{`"a`":1}`n"
        Close-IpcObject $pipe, $queue, $lines
        ($result | Format-Table | Out-String -Width 80) | Should -Match 'pipe:\S+\s+mq:/pester\S+\s+2\s+13'
    }

    It 'relays connections as a job, which shows how much has passed and can be stopped' {
        $server, $door = (New-IpcSocket "unix:@$name"), (New-IpcSocket tcp:127.0.0.1:0)
        $client = Open-IpcObject $door.Address
        $job = Receive-IpcMessage $door -Connection | Join-IpcChannel -To "unix:@$name" -Duplex -AsJob -Name door
        Get-Job door | Should -Be $job
        'hello' | Send-IpcMessage $client -Format Text
        $message = Receive-IpcMessage $server -Envelope -Timeout 60
        'there' | Send-IpcMessage -ReplyTo $message
        Receive-IpcMessage $client -Timeout 60 | Should -Be 'there'
        $job.State, $job.Bytes, $job.BytesBack | Should -Be 'Running', 6, 6
        Stop-Job $job
        $job.State | Should -Be 'Stopped'
        (Receive-Job $job).EndedBy | Should -Be 'Stopped'
        Close-IpcObject $client, $server, $door
    }

    It 'reports a job that failed, and a wait that was too long' {
        $job = Join-IpcChannel "mq:/$name-none" "mq:/$name-neither" -AsJob
        Wait-Job $job -Timeout 60 | Should -Be $job
        $job.State | Should -Be 'Failed'
        { Receive-Job $job -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotFound'
        $from, $to = (New-IpcPipe), (New-IpcPipe)
        { Join-IpcChannel $from $to -Timeout 0.1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
        { Join-IpcChannel $from $from.Writer -Duplex -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotSupported,*'
        Close-IpcObject $from, $to
    }
}
