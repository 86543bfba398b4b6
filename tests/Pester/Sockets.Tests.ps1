# What a user does with sockets. Run by dotnet test.
BeforeAll {
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
    Import-Module $manifest -Force

    function Start-Pwsh {
        # Another pwsh process, in which the module is loaded; its input and output are pipes.
        param([string] $Script)
        $start = [Diagnostics.ProcessStartInfo]::new('pwsh')
        $arguments = '-NoProfile', '-NonInteractive', '-Command', "Import-Module '$manifest'; $Script"
        foreach ($argument in $arguments) { $start.ArgumentList.Add($argument) }
        $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
        [Diagnostics.Process]::Start($start)
    }
}

Describe 'Sockets' {
    BeforeEach { $script:server = $script:client = $script:other = $null }
    AfterEach {
        if ($other -and -not $other.HasExited) { $other.Kill(); $other.WaitForExit() }
        $client, $server | Where-Object { $_ -is [IDisposable] } | Close-IpcObject
    }

    It 'talks to another pwsh over <kind>, which knows who it is' -ForEach @(
        @{ Kind = 'unix'; Address = "unix:@pester-$PID" }
        @{ Kind = 'unix seqpacket'; Address = "unix:pester-$($PID)?type=seqpacket" }
        @{ Kind = 'tcp'; Address = 'tcp:127.0.0.1:0' }
        @{ Kind = 'udp'; Address = 'udp:127.0.0.1:0' }
    ) {
        $script:server = New-IpcSocket $address
        $script:other = Start-Pwsh "
            `$client = Open-IpcObject '$($server.Address)'
            Get-Date -Date '2026-01-02' | Send-IpcMessage `$client
            Receive-IpcMessage `$client -Timeout 60"
        $message = Receive-IpcMessage $server -Envelope -Timeout 60
        $message.Body | Should -BeOfType datetime
        $message.SenderUser | Should -Be ([Environment]::UserName)
        if ($address -like 'unix:*') { $message.SenderId | Should -Be $other.Id }
        Send-IpcMessage -ReplyTo $message 'well received'
        $other.StandardOutput.ReadToEnd().Trim() | Should -Be 'well received'
    }

    It 'is handed to a job as $using:, and answers its requests' {
        $script:server = New-IpcSocket "unix:pester-$PID"
        $job = Start-Job { Import-Module $using:manifest; 20, 21 | Invoke-IpcRequest $using:server -Timeout 60 }
        foreach ($n in 1..2) {
            $question = Receive-IpcMessage $server -Envelope -Timeout 60
            Send-IpcMessage -ReplyTo $question ($question.Body * 2)
        }
        Receive-Job $job -Wait | Should -Be 40, 42
    }

    It 'has many requests in flight on one connection' {
        $script:other = Start-Pwsh "
            `$server = New-IpcSocket unix:pester-$PID
            Receive-IpcMessage `$server -Count 8 -Envelope | Sort-Object Body -Descending |
                ForEach-Object { Send-IpcMessage -ReplyTo `$_ (`$_.Body * `$_.Body) }
            [Console]::In.ReadLine()"
        $script:client = Open-IpcObject "unix:pester-$PID" -Wait -Timeout 60
        $answers = 1..8 | ForEach-Object -ThrottleLimit 8 -Parallel {
            Import-Module $using:manifest
            "$_ -> $(Invoke-IpcRequest $using:client $_ -Timeout 60)"
        }
        $answers | Sort-Object | Should -Be (1..8 | ForEach-Object { "$_ -> $($_ * $_)" })
    }

    It 'serves -Parallel clients and a python script in one receive' -Skip:(-not (Get-Command python3 -ErrorAction Ignore)) {
        $script:server = New-IpcSocket "unix:pester-$PID"
        $address = $server.Address.Text
        1..4 | ForEach-Object -Parallel { Import-Module $using:manifest; 1..5 | Send-IpcMessage $using:address }
        $client = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'{\`"n\`": 41}\n')"
        python3 -c $client $server.Address.Path
        $got = Receive-IpcMessage $server -Count 21 -Timeout 60
        $got | Where-Object { $_ -is [int] } | Measure-Object -Sum | ForEach-Object Sum | Should -Be 60
        ($got | Where-Object { $_ -is [string] } | ConvertFrom-Json).n | Should -Be 41
    }

    It 'hands an open file to another pwsh' {
        $script:server = New-IpcSocket "unix:pester-$PID"
        $script:other = Start-Pwsh "
            `$client = Open-IpcObject 'unix:pester-$PID'
            `$file = [IO.File]::OpenRead('$PSCommandPath')
            'a file' | Send-IpcMessage `$client -Handle `$file"
        $message = Receive-IpcMessage $server -Envelope -Timeout 60
        $file = $message.Handles[0]
        $file | Should -BeOfType IO.FileStream
        [IO.StreamReader]::new($file).ReadLine() | Should -Be (Get-Content $PSCommandPath -TotalCount 1)
        $file.Dispose()
    }

    It 'takes a killed server over, and refuses a live one' {
        $script:other = Start-Pwsh "`$server = New-IpcSocket unix:pester-$PID; 'up'; [Console]::In.ReadLine()"
        $other.StandardOutput.ReadLine() | Should -Be 'up'
        { New-IpcSocket "unix:pester-$PID" -ErrorAction Stop } | Should -Throw -ErrorId 'IpcAlreadyExists,*'
        $other.Kill(); $other.WaitForExit()
        $script:server = New-IpcSocket "unix:pester-$PID"
        $script:client = Open-IpcObject "unix:pester-$PID"
        1 | Send-IpcMessage $client
        Receive-IpcMessage $server -Timeout 60 | Should -Be 1
    }

    It 'shows its facts in a table that fits' {
        $script:server = New-IpcSocket "unix:pester-$PID"
        $script:client = Open-IpcObject "unix:pester-$PID"
        $server | Out-String -Width 80 | Should -Match "unix:pester-$PID +unix stream listener +0 clients"
        $client | Out-String -Width 80 | Should -Match "unix:pester-$PID +unix stream socket +0B +peer $PID"
        $script:other = $null
        $udp = New-IpcSocket udp:127.0.0.1:0
        $udp | Out-String -Width 80 | Should -Match 'udp:127.0.0.1:\d+ +UDP listener +0B +receive only'
        Close-IpcObject $udp
    }
}
