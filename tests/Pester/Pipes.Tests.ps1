# What a user does with pipes. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
}

Describe 'Pipes' {
    BeforeEach { $script:pipe = $script:fifo = $script:process = $null }
    AfterEach {
        if ($pipe) { Close-IpcObject $pipe -ErrorAction Ignore }
        if ($fifo) { Remove-IpcObject $fifo.Address.Text -Force }
        if ($process) {
            if (-not $process.HasExited) { $process.Kill(); $process.WaitForExit() }
            $process.Dispose()
        }
    }

    It 'carries objects with their types, until the writer is closed' {
        $script:pipe = New-IpcPipe
        1, 'two', [datetime]'2026-01-02' | Send-IpcMessage $pipe -Close
        $one, $two, $three, $more = Receive-IpcMessage $pipe -All -Timeout 60
        $one | Should -Be 1
        $two | Should -Be 'two'
        $three | Should -BeOfType datetime
        $more | Should -BeNullOrEmpty
    }

    It 'is handed to a job as $using:' {
        $script:pipe = New-IpcPipe
        $job = Start-Job { Import-Module $using:manifest; 1..3 | Send-IpcMessage $using:pipe }
        Receive-IpcMessage $pipe -Count 3 -Timeout 60 | Should -Be 1, 2, 3
        Receive-Job $job -Wait
    }

    It 'is handed to parallel runspaces as $using:' {
        $script:pipe = New-IpcPipe
        1..6 | ForEach-Object -ThrottleLimit 3 -TimeoutSeconds 60 -Parallel {
            Import-Module $using:manifest
            $_ * 2 | Send-IpcMessage $using:pipe
        }
        Receive-IpcMessage $pipe -Count 6 -Timeout 60 | Sort-Object | Should -Be 2, 4, 6, 8, 10, 12
    }

    It 'carries both directions with -Duplex' {
        $script:pipe = New-IpcPipe -Duplex
        'there' | Send-IpcMessage $pipe.Near
        Receive-IpcMessage $pipe.Far -Timeout 60 | Should -Be 'there'
        'back' | Send-IpcMessage $pipe.Far
        Receive-IpcMessage $pipe.Near -Timeout 60 | Should -Be 'back'
    }

    It 'receives what a shell echoes into a named pipe' {
        $script:fifo = New-IpcPipe "pester-$PID"
        $script:process = Start-Process sh '-c', "`"echo hello > $($fifo.Path)`"" -PassThru
        Receive-IpcMessage $fifo -Timeout 60 | Should -Be 'hello'
    }

    It 'is read by cat, wherever it is' {
        $path = Join-Path $TestDrive 'pipe'
        $copy = Join-Path $TestDrive 'copy'
        $script:fifo = New-IpcPipe -Path $path
        # cat writes the file itself: what Start-Process redirects may still be on its way when the process has ended.
        $script:process = Start-Process sh '-c', "`"cat '$path' > '$copy'`"" -PassThru
        'one', 'two' | Send-IpcMessage $fifo -Format Text -Timeout 60 -Close
        $process.WaitForExit(60000) | Should -BeTrue
        Get-Content $copy | Should -Be 'one', 'two'
    }

    It 'tells a full pipe from one that took too long, and an empty one from both' {
        $script:pipe = New-IpcPipe -Capacity 4096
        { Receive-IpcMessage $pipe -NoWait -ErrorAction Stop } | Should -Throw -ErrorId 'IpcEmpty,*'
        { Receive-IpcMessage $pipe -Timeout 0.05 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
        'x' * 3000 | Send-IpcMessage $pipe -Timeout 60
        { 'y' * 3000 | Send-IpcMessage $pipe -NoWait -ErrorAction Stop } | Should -Throw -ErrorId 'IpcFull,*'
        { 'y' * 3000 | Send-IpcMessage $pipe -Timeout 0.05 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcTimeout,*'
        Receive-IpcMessage $pipe -Timeout 60 | Should -Be ('x' * 3000)
        'z' | Send-IpcMessage $pipe -NoWait
        Receive-IpcMessage $pipe -Timeout 60 | Should -Be 'z'
    }

    It 'says that no process reads' {
        $script:pipe = New-IpcPipe
        Close-IpcObject $pipe.Reader
        { 1 | Send-IpcMessage $pipe.Writer -ErrorAction Stop } | Should -Throw -ErrorId 'IpcPeerClosed,*'
        $script:fifo = New-IpcPipe "pester-$PID"
        { 1 | Send-IpcMessage "fifo:pester-$PID" -NoWait -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNoPeer,*'
    }

    It 'shows its facts in a table' {
        $script:pipe = New-IpcPipe
        $pipe.Writer | Out-String | Should -Match "pipe:$PID/\d+ +anonymous pipe +0B/64KB +send only"
        $script:fifo = New-IpcPipe "pester-$PID" -Mode 640
        $fifo | Out-String | Should -Match "fifo:pester-$PID +named pipe +0640 +0B/64KB"
        [Convert]::ToString([int]$fifo.Mode, 8) | Should -Be '640'
    }
}
