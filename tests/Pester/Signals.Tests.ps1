# What a user does with signals. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
}

Describe 'Signals' {
    BeforeEach { $script:job = $script:process = $null }
    AfterEach {
        Unregister-IpcSignal -All -ErrorAction Ignore
        Get-EventSubscriber "pester-$PID*" -ErrorAction Ignore | Unregister-Event
        Get-Event -ErrorAction Ignore | Where-Object SourceIdentifier -like "pester-$PID*" | Remove-Event
        Get-Job "pester-$PID*" -ErrorAction Ignore | Remove-Job -Force
        if ($job) { Stop-Job $job; Remove-Job $job -Force }
        if ($process) {
            if (-not $process.HasExited) { $process.Kill(); $process.WaitForExit() }
            $process.Dispose()
        }
        Remove-IpcObject "mq:/pester-$PID" -Force -ErrorAction Ignore
    }

    It 'says which process sent it' {
        Wait-IpcSignal USR1 -ArmOnly
        $script:process = Start-Process /bin/kill "-USR1 $PID" -PassThru
        $signal = Wait-IpcSignal USR1 -Timeout 60
        $signal.Signal | Should -Be 'USR1'
        $signal.SenderId | Should -Be $process.Id
        $signal.Origin | Should -Be 'Kill'
        $signal.Value | Should -BeNullOrEmpty
    }

    It 'carries a number' {
        Wait-IpcSignal RTMIN+3 -ArmOnly
        Send-IpcSignal $PID RTMIN+3 -Value 42
        $signal = Wait-IpcSignal RTMIN+3 -Timeout 60
        $signal.Value | Should -Be 42
        $signal.SenderId | Should -Be $PID
        $signal | Out-String | Should -Match "RTMIN\+3 +42 +$PID"
    }

    It 'keeps a hundred real-time signals in order' {
        Wait-IpcSignal RTMIN+3 -ArmOnly
        1..100 | ForEach-Object { Send-IpcSignal $PID RTMIN+3 -Value $_ }
        (Wait-IpcSignal RTMIN+3 -Count 100 -Timeout 60).Value | Should -Be (1..100)
    }

    It 'makes one of ten USR1 that a stopped process could not take, and ten of ten real-time ones' {
        $script:job = Start-IpcJob {
            Wait-IpcSignal USR1, RTMIN+3 -ArmOnly
            'armed' | Send-IpcMessage $IpcParent
            Wait-IpcSignal USR1, RTMIN+3 -Count 11 -Timeout 60 | ForEach-Object { "$($_.Signal) $($_.Value)" }
        }
        Receive-IpcMessage $job -Timeout 60 | Should -Be 'armed'
        Send-IpcSignal $job STOP
        # It may take a lower signal first until it has stopped.
        $watch = [Diagnostics.Stopwatch]::StartNew()
        while ((Get-Content "/proc/$($job.ProcessId)/stat") -notmatch '\) T ' -and $watch.Elapsed.TotalSeconds -lt 60) { }
        1..10 | ForEach-Object { Send-IpcSignal $job USR1; Send-IpcSignal $job RTMIN+3 -Value $_ }
        Send-IpcSignal $job CONT
        Wait-Job $job -Timeout 60 | Should -Not -BeNullOrEmpty
        $lines = Receive-Job $job
        @($lines -like 'USR1*').Count | Should -Be 1
        $lines -like 'RTMIN*' | Should -Be (1..10 | ForEach-Object { "RTMIN+3 $_" })
    }

    It 'is an event, with or without an action' {
        $null = Register-IpcSignal USR2 -SourceIdentifier "pester-$PID-plain"
        Send-IpcSignal $PID USR2
        (Wait-Event "pester-$PID-plain" -Timeout 60).SourceEventArgs.SenderId | Should -Be $PID
        Unregister-Event "pester-$PID-plain"

        $null = Register-IpcSignal RTMIN+4 -SourceIdentifier "pester-$PID-action" -Action {
            New-Event "pester-$PID-done" -MessageData $Event.SourceEventArgs.Value
        }
        Send-IpcSignal $PID RTMIN+4 -Value 7
        (Wait-Event "pester-$PID-done" -Timeout 60).MessageData | Should -Be 7
        Unregister-Event "pester-$PID-action"

        # The kernel's disposition follows once the signal has been quiet for a second.
        $watch = [Diagnostics.Stopwatch]::StartNew()
        while ("$((Get-IpcSignal -Id $PID).Caught)" -match 'USR2|RTMIN\+4' -and $watch.Elapsed.TotalSeconds -lt 60) { }
        "$((Get-IpcSignal -Id $PID).Caught)" | Should -Not -Match 'USR2|RTMIN\+4'
    }

    It 'ends a service cleanly: clean-shutdown.ps1' {
        $example = (Resolve-Path (Join-Path $PSScriptRoot '../../docs/examples/signals/clean-shutdown.ps1')).Path
        $start = [Diagnostics.ProcessStartInfo]::new('pwsh')
        '-NoProfile', '-File', $example, '-Queue', "pester-$PID" | ForEach-Object { $start.ArgumentList.Add($_) }
        $start.RedirectStandardOutput = $true
        $script:process = [Diagnostics.Process]::Start($start)
        $line = $process.StandardOutput.ReadLineAsync()
        $line.Wait(60000) | Should -BeTrue
        $line.Result | Should -Be "ready, as process $($process.Id), at mq:/pester-$PID"
        Send-IpcSignal $process TERM
        $rest = $process.StandardOutput.ReadToEndAsync()
        $rest.Wait(60000) | Should -BeTrue
        $process.WaitForExit(60000) | Should -BeTrue
        $rest.Result.Trim() -split '\r?\n' |
            Should -Be 'the job under way was put right', "TERM from process ${PID}: shutting down", '0 jobs are left'
        $process.ExitCode | Should -Be 0
        Get-IpcObject "mq:/pester-$PID" -WarningAction Ignore -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'refuses process 1, a process that is not there, and a signal that no process can receive' {
        { Send-IpcSignal 1 USR1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcProcessRefused,*'
        { Send-IpcSignal ([int]::MaxValue) USR1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcProcessNotFound,*'
        { Wait-IpcSignal KILL -Timeout 0.05 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcSignalRefused,*'
        { Wait-IpcSignal USR1 -Timeout 0.05 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
    }

    It 'asks a process to end, and says what ended it' {
        $script:process = Start-Process sleep 1000 -PassThru
        ($process | Send-IpcSignal -Timeout 60 -ThenSignal KILL).EndedBy | Should -Be 'TERM'
    }

    It 'asks where a name stands for the session itself or for processes of other users' {
        $name = "ip-$PID"
        $own = (Get-Content /proc/self/comm).Trim()
        try {
            Set-Content /proc/self/comm $name -NoNewline
            { Send-IpcSignal -Name "$name*" URG -ErrorAction Stop } | Should -Throw -ErrorId 'IpcProcessRefused,*'
            $Error[0].Exception.Message |
                Should -Be "'$name*' matches this session, and this session cannot prompt for confirmation."
            $Error[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
            Send-IpcSignal -Name $name Test
            Send-IpcSignal -Name $name URG -WhatIf
            (Send-IpcSignal -Name $name URG -Force -PassThru).ProcessId | Should -Be $PID
        }
        finally { Set-Content /proc/self/comm $own -NoNewline }
        if ((id -u) -ne 0) { Set-ItResult -Skipped -Because 'only root can start a process of another user'; return }
        # A name of its own: 'sleep' may be anybody's.
        $program = "/tmp/ip-o$PID"
        try {
            Copy-Item /bin/sleep $program
            $script:process = Start-Process setpriv "--reuid 65534 $program 1000" -PassThru
            $watch = [Diagnostics.Stopwatch]::StartNew()
            while ((Get-Content "/proc/$($process.Id)/comm") -ne "ip-o$PID" -and $watch.Elapsed.TotalSeconds -lt 60) { }
            { Send-IpcSignal -Name "ip-o$PID" -ErrorAction Stop } | Should -Throw '*1 process of other users*'
            $process.HasExited | Should -BeFalse
            (Send-IpcSignal -Name "ip-o$PID" -Force -Timeout 60).EndedBy | Should -Be 'TERM'
        }
        finally { Remove-Item $program }
    }

    It 'shows all signals of the machine in a table' {
        @(Get-IpcSignal).Count | Should -BeGreaterOrEqual 62
        (Get-IpcSignal TERM).Number | Should -Be 15
        $text = Get-IpcSignal KILL, USR1 | Out-String
        $text | Should -Match '9 KILL +Terminate no '
        $text | Should -Match '10 USR1 +Terminate yes '
    }
}
