# What a user sees of the connections between processes. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $PSDefaultParameterValues['Get-IpcConnection:WarningAction'] = 'Ignore'
    $script:name = "pester-$PID"

    # Two scripts that acquire the same two mutexes in opposite orders, and that go on when both have acquired the first one.
    function Start-Script {
        param([string] $First, [string] $Second, [string] $Name)
        Start-IpcJob -Name "of-$First" -ArgumentList $First, $Second, $Name {
            param($first, $second, $name)
            Lock-IpcObject "mutex:$first-$name"
            'held' | Send-IpcMessage "mq:/held-$name"
            $null = Receive-IpcMessage "mq:/go-$name"
            Lock-IpcObject "mutex:$second-$name"
        }
    }
}

Describe 'Connections' {
    BeforeAll {
        $script:objects = @(New-IpcMutex "a-$name"; New-IpcMutex "b-$name"; New-IpcQueue "held-$name"; New-IpcQueue "go-$name")
        $script:jobs = @((Start-Script a b $name), (Start-Script b a $name))
        $script:held = Receive-IpcMessage "mq:/held-$name" -Count 2 -Timeout 120
    }
    AfterAll {
        $script:jobs | Stop-Job -PassThru | Remove-Job
        $script:objects | Remove-IpcObject -Force
    }

    It 'shows a job, and its own name for it' {
        $link = Get-IpcConnection -Id $jobs[0] | Where-Object Kind -EQ job
        @($link).Count | Should -Be 1
        $link.From.ProcessId | Should -Be $PID
        $link.To.ProcessId | Should -Be $jobs[0].ProcessId
        $link.To.Job | Should -Be 'of-a'
        $link.Direction | Should -Be Both
        @(Get-IpcConnection -Id $jobs[0] -All -Kind Pipe).Count | Should -BeGreaterThan 3
    }

    It 'finds a deadlock of two scripts on two mutexes, and draws it red' {
        $ids = $jobs.ProcessId
        filter Select-Own { if ($_.From.ProcessId -in $ids -and $_.To.ProcessId -in $ids) { $_ } }
        # Each holds one mutex, and neither waits.
        @(Get-IpcConnection -Deadlock | Select-Own).Count | Should -Be 0
        1, 2 | Send-IpcMessage "mq:/go-$name"
        $until = [datetime]::UtcNow.AddMinutes(2)
        do { $found = @(Get-IpcConnection -Deadlock | Select-Own) } until ($found.Count -eq 2 -or [datetime]::UtcNow -gt $until)
        $found | ForEach-Object { "$($_.From.Job) $($_.State) $($_.AddressText)" } | Sort-Object |
            Should -Be "of-a Waits mutex:b-$name", "of-b Waits mutex:a-$name"
        @($found.Deadlock | Select-Object -Unique).Count | Should -Be 1
        $found | Out-String -Width 80 | Should -Match 'Deadlock'
        $picture = [xml]($found | ConvertTo-IpcDiagram -As Svg)
        @($picture.SelectNodes("//*[@class='process deadlock']")).Count | Should -Be 2
        @($picture.SelectNodes("//*[@class='line deadlock waits']")).Count | Should -Be 4
        # One of them gives up.
        $jobs[0] | Stop-Job
        @(Get-IpcConnection -Deadlock | Select-Own).Count | Should -Be 0
    }
}
