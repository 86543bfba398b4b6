# What a user sees of objects that travel. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force

    function Send-Through {
        # What a value is on the other side of a pipe.
        param($Value)
        $pipe = New-IpcPipe
        try {
            Send-IpcMessage $pipe -InputObject $Value
            Receive-IpcMessage $pipe -Timeout 10
        }
        finally {
            Close-IpcObject $pipe
        }
    }
}

Describe 'Objects' {
    It 'keep the types that PowerShell has words for' {
        $values = 1, 5000000000, 1.5, 2.50d, 'text', [char]'x', $true, [guid]::NewGuid(), [timespan]'1:2:3', (Get-Date), [version]'1.2',
            [uri]'http://a/b', 10000000000000000000000n
        foreach ($value in $values) {
            $copy = Send-Through $value
            $copy | Should -BeExactly $value
            $copy.GetType() | Should -Be $value.GetType()
        }
    }

    It 'are named by type, and their commands are mocked' {
        $caught = try { Receive-IpcMessage "mq:/none-$PID" -ErrorAction Stop } catch [IpcPs.IpcException] { $_.Exception.Id.Name }
        $caught | Should -Be 'IpcNotFound'
        [IpcPs.Messaging.IpcFormat]::Json | Should -Be 'Json'
        foreach ($command in 'Receive-IpcMessage', 'New-IpcQueue', 'Send-IpcMessage', 'Send-IpcSignal', 'Lock-IpcObject', 'Start-IpcJob') {
            Mock $command { $PesterBoundParameters }
        }
        (Receive-IpcMessage mq:/x -Timeout 1).Timeout.Value.TotalSeconds | Should -Be 1
        (New-IpcQueue x -Mode 640).Mode | Should -Be '0640'
        (Send-IpcMessage mq:/x 5 -Format Json).Channel | Should -Be 'mq:/x'
        (5 | Send-IpcMessage mq:/x -Priority 1).InputObject | Should -Be 5
        (Send-IpcSignal $PID TERM).Signal | Should -Be 'TERM'
        (Lock-IpcObject mutex:x -Timeout 0.5).Timeout | Should -Be '00:00:00.5000000'
        (Start-IpcJob { 1 }).ScriptBlock | Should -Be ' 1 '
        Should -Invoke Receive-IpcMessage -Times 1 -Exactly -ParameterFilter { "$Channel" -eq 'mq:/x' }
    }

    It 'arrive as copies where they are live, as from Start-Job' {
        $file = Send-Through (Get-Item $PSCommandPath)
        $file.PSObject.TypeNames[0] | Should -Be 'Deserialized.System.IO.FileInfo'
        "$file" | Should -Be $PSCommandPath
        $file.Directory | Should -Be (Split-Path $PSCommandPath)
        $file.Length | Should -Be (Get-Item $PSCommandPath).Length
        $process = Send-Through (Get-Process -Id $PID)
        $process.Id | Should -Be $PID
        $process.StartTime | Should -Be (Get-Process -Id $PID).StartTime
    }

    It 'can be sent on' {
        $again = Send-Through (Send-Through (Get-Item $PSCommandPath))
        $again.PSObject.TypeNames[0] | Should -Be 'Deserialized.System.IO.FileInfo'
        "$again" | Should -Be $PSCommandPath
    }

    It 'keep a type name that they were given, and its view' {
        $copy = Send-Through ([pscustomobject]@{ PSTypeName = 'IpcPs.Test.Thing'; B = 1; A = 2 })
        $copy.PSObject.TypeNames[0] | Should -Be 'IpcPs.Test.Thing'
        $copy.PSObject.Properties.Name | Should -Be 'B', 'A'
    }

    It 'are plain lines where Get-Content made them' {
        $line = Send-Through (Get-Content $PSCommandPath -TotalCount 1)
        $line | Should -Be (Get-Content $PSCommandPath -TotalCount 1)
        $line.PSPath | Should -BeNullOrEmpty
    }

    It 'compare as enums do where they are enums' {
        $day = Send-Through ([DayOfWeek]::Friday)
        $day -eq 'Friday' | Should -BeTrue
        $day -eq 5 | Should -BeTrue
        [DayOfWeek]$day | Should -Be ([DayOfWeek]::Friday)
        ($day | Out-String).Trim() | Should -Be 'Friday'
        $file = Send-Through (Get-Item $PSCommandPath)
        $file.Attributes -band [IO.FileAttributes]::Directory | Should -Be 0
    }

    It 'warn where they contain themselves' {
        $table = @{ A = 1 }
        $table.Self = $table
        $pipe = New-IpcPipe
        Send-IpcMessage $pipe $table -WarningVariable warnings 3> $null
        "$warnings" | Should -BeLike '*contains itself*'
        $copy = Receive-IpcMessage $pipe -Timeout 10
        "$($copy.Self)" | Should -Be '(cycle: System.Collections.Hashtable)'
        Close-IpcObject $pipe
    }

    It 'tell of an error what a person wants to know' {
        $copy = Send-Through $(try { Get-Item /there/is/none -ErrorAction Stop } catch { $_ })
        $copy.Message | Should -BeLike '*/there/is/none*'
        $copy.FullyQualifiedErrorId | Should -Be 'PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand'
        $copy.CategoryInfo.Category -eq 'ObjectNotFound' | Should -BeTrue
        $copy.InvocationInfo.ScriptLineNumber | Should -BeGreaterThan 0
        $copy.Exception.PSObject.TypeNames[0] | Should -Be 'Deserialized.System.Management.Automation.ItemNotFoundException'
    }

    It 'go as JSON that ConvertFrom-Json reads, and come from what ConvertTo-Json writes' {
        $pipe = New-IpcPipe
        $value = [pscustomobject]@{ Name = "x`n`"y`""; List = 1, 2.5, $null, $true; Inner = @{ K = 'ä😀' } }
        Send-IpcMessage $pipe $value -Format Json
        $json = Receive-IpcMessage $pipe -Format Text -Timeout 10
        ($json | ConvertFrom-Json | ConvertTo-Json -Compress -Depth 5) | Should -Be ($value | ConvertTo-Json -Compress -Depth 5)
        Send-IpcMessage $pipe ($value | ConvertTo-Json -Compress -Depth 5) -Format Text
        $back = Receive-IpcMessage $pipe -Format Json -Timeout 10
        $back.Inner.K | Should -Be 'ä😀'
        $back.List[1] | Should -Be 2.5
        Close-IpcObject $pipe
    }
}

Describe 'The Python peer' {
    It 'exchanges objects over FIFOs' -Skip:(-not (Get-Command python3 -ErrorAction Ignore)) {
        $folder = Join-Path ([IO.Path]::GetTempPath()) "ipcps-peer-$PID"
        $null = New-Item -ItemType Directory $folder
        try {
            $to = New-IpcPipe -Path "$folder/to"
            $back = New-IpcPipe -Path "$folder/back"
            $script = Join-Path $PSScriptRoot '../../docs/examples/peer.py'
            $peer = Start-Process python3 -ArgumentList $script, 'echo', "$folder/to", "$folder/back" -PassThru
            foreach ($value in 'text', 42, 1.5, [pscustomobject]@{ A = 1; B = 'x' }, ('y' * 20000)) {
                Send-IpcMessage $to -InputObject $value
                $answer = Receive-IpcMessage $back -Timeout 30
                "$($answer.Value)" | Should -BeExactly "$value"
                $answer.ProcessId | Should -Be $peer.Id
            }
            Close-IpcObject $to
            $peer.WaitForExit(30000) | Should -BeTrue
            $peer.ExitCode | Should -Be 0
        }
        finally {
            if ($peer -and -not $peer.HasExited) { $peer.Kill(); $peer.WaitForExit() }
            Remove-Item $folder -Recurse
        }
    }
}
