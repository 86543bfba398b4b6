# What a user does with traces. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:name = "pester-trace-$PID"
}

Describe 'Traces' {
    AfterEach {
        Get-Job | Remove-Job -Force
        Remove-IpcObject "mq:/$name", "fifo:$name" -Force
    }

    It 'shows what a relay moves, and says where nothing can be traced' {
        $fifo, $queue = (New-IpcPipe $name), (New-IpcQueue "mq:/$name")
        Start-Process sh "-c `"sleep 0.3; printf 'a\033[31m\nb\n' > $($fifo.Path)`""
        $records = Join-IpcChannel $fifo $queue -AsJob | Trace-IpcChannel
        $records.Preview | Should -Be 'a\u{1b}[31m', 'b'
        $records.Channel | Should -Be "fifo:$name", "fifo:$name"
        ($records | Format-Table | Out-String -Width 80) | Should -Match '->\s+6 Text\s+a\\u\{1b\}'
        Receive-IpcMessage $queue -Count 2 | Should -Be "a`e[31m", 'b'
        # Only this session has it open.
        { Trace-IpcChannel $queue -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotFound,*' -ExpectedMessage '*no other process*'
        { Trace-IpcChannel "shm:/$name" -ErrorAction Stop } | Should -Throw -ErrorId 'IpcWrongKind,*'
        Close-IpcObject $fifo, $queue
    }

    It 'shows what a job sends and receives through a queue, by its system calls' -Skip:(-not (Get-Command strace -ErrorAction Ignore)) {
        $null = New-IpcQueue "mq:/$name"
        $job = Start-IpcJob {
            $queue = Open-IpcObject "mq:/$using:name"
            'ready'
            while ($true) {
                'tick' | Send-IpcMessage $queue
                $null = Receive-IpcMessage $queue
                Start-Sleep -Milliseconds 50
            }
        }
        while (-not (Receive-Job $job)) { $null = Wait-Job $job -Timeout 0.05 }
        $records = Trace-IpcChannel "mq:/$name" -Count 4 -Timeout 60 -Verbose 4>&1
        $records[0].Message | Should -Match "Tracing 'mq:/$name' by the system calls of .*\b$($job.ProcessId)\b"
        $sent, $received = ($records | Where-Object Direction -EQ '->'), ($records | Where-Object Direction -EQ '<-')
        $sent.Preview | Should -Be 'tick', 'tick'
        $sent.Sender + $received.Receiver | Should -Be (, $job.ProcessId * 4)
        @($received.Sender) + @($sent.Receiver) | Should -Be (, $null * 4)
        # It goes on.
        Receive-IpcMessage "mq:/$name" -Timeout 60 | Should -Be 'tick'
        Stop-Job $job
    }

    It 'writes lines of JSON, and leaves the messages to their receiver' {
        $queue, $file = (New-IpcQueue -Kind SysV), (Join-Path $TestDrive 'trace.jsonl')
        $sender = Start-ThreadJob {
            Import-Module $args[0]
            Start-Sleep 0.3
            'one', @{ two = 2 } | Send-IpcMessage $args[1]
        } -ArgumentList (Get-Module IpcPs).Path, $queue
        Trace-IpcChannel $queue -Path $file -WhatIf
        Test-Path $file | Should -BeFalse
        Trace-IpcChannel $queue -Path $file -Count 2 -Timeout 60 | Should -BeNullOrEmpty
        Receive-Job $sender -Wait
        $lines = Get-Content $file | ConvertFrom-Json
        $lines.preview | Should -Be 'one', '{two=2}'
        $lines[0].format, $lines[0].direction, $lines[0].channel | Should -Be 'Object', '->', $queue.AddressText
        (Receive-IpcMessage $queue -Count 2)[1].two | Should -Be 2
        { Trace-IpcChannel $queue -Timeout 0.1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
        'three' | Send-IpcMessage $queue
        { Trace-IpcChannel $queue -Path /proc/none/x -Timeout 0.1 -ErrorAction Stop } | Should -Throw -ErrorId 'Ipc*'
        Remove-IpcObject $queue
    }
}
