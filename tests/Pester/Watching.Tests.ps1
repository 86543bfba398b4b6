# What a user sees of a machine at work. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $PSDefaultParameterValues['Watch-IpcObject:WarningAction'] = 'Ignore'
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
    $script:name = "pester-$PID"
}

Describe 'Watch-IpcObject' {
    AfterEach {
        Get-IpcObject "*$name*" -WarningAction Ignore -ErrorAction Ignore | Remove-IpcObject -Force -ErrorAction Ignore
    }

    It 'returns one object for each sample and object, with what needs attention' {
        $queue = New-IpcQueue $name -MaxMessages 2
        1..2 | Send-IpcMessage $queue
        $lock = New-IpcMutex $name
        Lock-IpcObject $lock
        $samples = Watch-IpcObject "mq:/$name", "mutex:$name" -Count 2 -Interval 0.05 -HeldLongerThan 0.02
        $samples.AddressText | Should -Be "mq:/$name", "mutex:$name", "mq:/$name", "mutex:$name"
        $samples[0].Marks | Should -Be 'Full'
        $samples[0].RateSource | Should -Be 'DepthChanges'
        $samples[0].MessagesPerSecond | Should -Be 0
        $samples[1].HeldBy | Should -Be $PID
        $samples[1].Marks | Should -Be 'StuckLock'
        $samples | Out-String -Width 80 | Should -Match "mq:/$name +2/2 +0 +0B FULL"
        # One for each process that is piped, and nothing for none.
        (Get-Process -Id $PID | Watch-IpcObject -Kind Mq -Count 1 -Interval 0.05).AddressText | Should -Be "mq:/$name"
        @() | Watch-IpcObject -Count 1 | Should -BeNullOrEmpty
        # What follows ends it.
        (Watch-IpcObject "mq:/$name" -Interval 0.05 | Select-Object -First 3).Count | Should -Be 3
        { Watch-IpcObject -Interval 0 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcInvalidArgument,*'
        Unlock-IpcObject $lock
    }

    It 'draws on a terminal, and q and Ctrl+C restore it' -Skip:(-not (Get-Command script -ErrorAction Ignore)) {
        $queue = New-IpcQueue $name -MaxMessages 2
        1..2 | Send-IpcMessage $queue
        $dotnet = (Get-Process -Id $PID).Path
        foreach ($key in 'q', [string][char]3) {
            $start = [Diagnostics.ProcessStartInfo]::new('script')
            $command = "Import-Module '$manifest'; `$x = Watch-IpcObject $name -Interval 0.05; ""after [`$(`$x.Count)]"""
            $pwsh = if ($dotnet -like '*dotnet') { "$dotnet $PSHOME/pwsh.dll" } else { $dotnet }
            $watch = "$pwsh -NoProfile -Command '$($command -replace "'", "'\''")'"
            # Ctrl+C goes to the shell as well. Some shells end at once, before stty can tell; with a trap they go on.
            '-qec', "trap : INT; stty rows 24 cols 80; $watch; stty -a", '/dev/null' |
                ForEach-Object { $start.ArgumentList.Add($_) }
            $start.Environment['SHELL'] = '/bin/sh'
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
            $process = [Diagnostics.Process]::Start($start)
            try {
                $text = [Text.StringBuilder]::new()
                # Until it has drawn twice.
                while ([regex]::Matches("$text", "mq:/$name").Count -lt 2) {
                    $read = $process.StandardOutput.Read()
                    if ($read -lt 0) { throw "It ended: $text" }
                    [void]$text.Append([char]$read)
                }
                $process.StandardInput.Write($key)
                $process.StandardInput.Flush()
                $reading = $process.StandardOutput.ReadToEndAsync()
                $reading.Wait(60000) | Should -BeTrue
                $rest = $reading.Result
                "$text" | Should -BeLike "*`e[[]?1049h`e[[]?25l*"
                "$text" | Should -Match "mq:/$name +████████ +2/2 .*FULL"
                $rest | Should -BeLike "*`e[[]?25h`e[[]?1049l*"
                $rest | Should -Match '(?<!-)\bicanon\b'
                $rest | Should -Match '(?<!-)\becho\b'
                if ($key -eq 'q') { $rest | Should -BeLike '*after `[0`]*' }
            }
            finally { if (-not $process.HasExited) { $process.Kill($true) } }
        }
    }
}
