# What a user does with message queues. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
}

Describe 'Message queues' {
    BeforeEach { $script:queue = $null }
    AfterEach { if ($queue) { Remove-IpcObject $queue.Address.Text -Force } }

    It 'carries objects with their types, the highest priority first' {
        $script:queue = New-IpcQueue "pester-$PID"
        1..3 | Send-IpcMessage $queue
        Get-Date -Date '2026-01-02' | Send-IpcMessage "mq:/pester-$PID" -Priority 9
        $first, $rest = Receive-IpcMessage $queue -Count 4
        $first | Should -BeOfType datetime
        $rest | Should -Be 1, 2, 3
    }

    It 'answers another pwsh on the same queue, by type' {
        $script:queue = New-IpcQueue -Kind SysV
        $job = Start-Job -ArgumentList $manifest, $queue.Address.Text {
            param($manifest, $address)
            Import-Module $manifest
            Receive-IpcMessage $address -Type 1 -Count 3 -Timeout 60 | ForEach-Object { $_ * 2 | Send-IpcMessage $address -Type 2 }
        }
        1..3 | Send-IpcMessage $queue -Type 1
        Receive-IpcMessage $queue -Type 2 -Count 3 -Timeout 60 | Should -Be 2, 4, 6
        Receive-Job $job -Wait
    }

    It 'is handed to a job as $using:' {
        $script:queue = New-IpcQueue "pester-$PID"
        $job = Start-Job { Import-Module $using:manifest; 'from the job' | Send-IpcMessage $using:queue }
        Receive-IpcMessage $queue -Timeout 60 | Should -Be 'from the job'
        Receive-Job $job -Wait
    }

    It 'tells a full queue from one that took too long' {
        $script:queue = New-IpcQueue "pester-$PID" -MaxMessages 1
        1 | Send-IpcMessage $queue
        { 2 | Send-IpcMessage $queue -NoWait -ErrorAction Stop } | Should -Throw -ErrorId 'IpcQueueFull,*'
        { 2 | Send-IpcMessage $queue -Timeout 0.05 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
    }

    It 'looks at a message without taking it' {
        $script:queue = New-IpcQueue -Kind SysV
        'stays' | Send-IpcMessage $queue
        Receive-IpcMessage $queue -Peek | Should -Be 'stays'
        $queue.CurrentMessages | Should -Be 1
    }

    It 'shows its facts in a table' {
        $script:queue = New-IpcQueue "pester-$PID" -Mode 640
        $text = $queue | Out-String
        $text | Should -Match "mq:/pester-$PID +POSIX message queue +0640 +0/10"
    }
}
