# What a user does with jobs. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force

    # What a job gave, at most a minute after it was started.
    function Get-Output {
        param($Job)
        Wait-Job $Job -Timeout 60 | Should -Not -BeNullOrEmpty
        Receive-Job $Job
    }
}

Describe 'Jobs' {
    BeforeEach {
        $script:job = $null
        $script:before = @(Get-Job | ForEach-Object Id)
    }
    AfterEach { Get-Job | Where-Object Id -NotIn $before | Remove-Job -Force }

    It 'talks with a child, as in the README' {
        $script:job = Start-IpcJob { Receive-IpcMessage $IpcParent -All | ForEach-Object { $_ * 2 } }
        1..5 | Send-IpcMessage $job; Close-IpcObject $job.Channel
        Get-Output $job | Should -Be 2, 4, 6, 8, 10
        $job.State | Should -Be 'Completed'
    }

    It 'is asked, and answers' {
        $script:job = Start-IpcJob { Receive-IpcMessage $IpcParent -All | ForEach-Object { $_ + 1 | Send-IpcMessage $IpcParent } }
        41 | Send-IpcMessage $job
        Receive-IpcMessage $job -Timeout 60 | Should -Be 42
        Close-IpcObject $job.Channel
        Get-Output $job | Should -BeNullOrEmpty
    }

    It 'goes through three processes' {
        $script:job = Start-IpcJob { 1..100 } |
            Start-IpcJob { $input | Where-Object { $_ % 3 -eq 0 } } |
            Start-IpcJob { $input | Where-Object { $_ % 5 -eq 0 } }
        Get-Output $job | Should -Be 15, 30, 45, 60, 75, 90
    }

    It 'goes from process to process -Via <_>' -ForEach 'Pipe', 'Fifo', 'SeqPacket', 'Tcp', 'SysVQueue' {
        $script:job = Start-IpcJob { 1..20; [datetime]'2026-01-02'; 'z' * 20000 } | Start-IpcJob { $input | ForEach-Object { $_ } } -Via $_
        $all = Get-Output $job
        $all.Count | Should -Be 22
        $all[0..19] | Should -Be (1..20)
        $all[20] | Should -BeOfType datetime
        $all[21].Length | Should -Be 20000
    }

    It 'takes values by $using:, by arguments and from the pipeline' {
        $factor = 3
        $script:job = 1..3 | Start-IpcJob { foreach ($n in $input) { $n * $using:factor + $args[0] } } -ArgumentList 100
        Get-Output $job | Should -Be 103, 106, 109
    }

    It 'runs finally blocks when it is stopped' {
        $file = Join-Path $TestDrive 'finally'
        $script:job = Start-IpcJob {
            try {
                'ready' | Send-IpcMessage $IpcParent
                Receive-IpcMessage $IpcParent -Timeout 60
            }
            finally { [IO.File]::WriteAllText($using:file, 'tidy') }
        }
        Receive-IpcMessage $job -Timeout 60 | Should -Be 'ready'
        Stop-Job $job
        $job.State | Should -Be 'Stopped'
        Get-Content $file | Should -Be 'tidy'
    }

    It 'fails when it is killed, and says by which signal' {
        $script:job = Start-IpcJob { 'first'; 'ready' | Send-IpcMessage $IpcParent; Receive-IpcMessage $IpcParent -Timeout 60 }
        Receive-IpcMessage $job -Timeout 60 | Should -Be 'ready'
        Send-IpcSignal $job KILL
        Wait-Job $job -Timeout 60 | Should -Not -BeNullOrEmpty
        $job.State | Should -Be 'Failed'
        $job.JobStateInfo.Reason.Message | Should -Match 'killed by signal KILL'
        Receive-Job $job -ErrorAction SilentlyContinue | Should -Be 'first'
    }

    It 'brings back errors and warnings as what they are' {
        $script:job = Start-IpcJob { Write-Warning 'careful'; Write-Error 'bad' -ErrorId Sour -Category InvalidData; 'on' }
        Wait-Job $job -Timeout 60 | Should -Not -BeNullOrEmpty
        $quiet = @{ ErrorAction = 'SilentlyContinue'; WarningAction = 'SilentlyContinue' }
        Receive-Job $job -ErrorVariable errors -WarningVariable warnings @quiet | Should -Be 'on'
        $errors.Count | Should -Be 1
        $errors[0] | Should -BeOfType System.Management.Automation.ErrorRecord
        $errors[0].Exception.Message | Should -Be 'bad'
        $errors[0].FullyQualifiedErrorId | Should -Match '^Sour'
        $errors[0].CategoryInfo.Category | Should -Be 'InvalidData'
        $warnings | Should -Be 'careful'
    }

    It 'fails when its script throws' {
        $script:job = Start-IpcJob { throw 'broken' }
        Wait-Job $job -Timeout 60 | Should -Not -BeNullOrEmpty
        $job.State | Should -Be 'Failed'
        { Receive-Job $job -ErrorAction Stop } | Should -Throw 'broken'
    }
}
