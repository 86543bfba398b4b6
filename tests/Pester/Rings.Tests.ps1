# What a user does with rings. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
    $script:name = "pester-$PID"
    $script:file = "/dev/shm/ipcps-ring.$name"
}

Describe 'Rings' {
    AfterEach {
        if ($ring) { Close-IpcObject $ring }
        Test-Path $file | Should -BeFalse
    }

    It 'carries objects to a job, until the last writer is done' {
        $ring = New-IpcRing $name
        $job = Start-Job { Import-Module $using:manifest; Receive-IpcMessage $using:ring -All | ForEach-Object { $_ * 2 } }
        1..5 | Send-IpcMessage $ring -Close
        Receive-Job $job -Wait | Should -Be 2, 4, 6, 8, 10
    }

    It 'shares the messages out among readers' {
        $ring = New-IpcRing $name
        $jobs = 1..2 | ForEach-Object { Start-Job { Import-Module $using:manifest; Receive-IpcMessage $using:ring -All } }
        1..1000 | Send-IpcMessage $ring -Close
        $jobs | Receive-Job -Wait | Sort-Object | Should -Be (1..1000)
    }

    It 'notices a writer that is killed' {
        $ring = New-IpcRing $name
        $script = "Import-Module '$manifest'; `$w = Open-IpcObject ring:/$name -Access Write; 'alive' | Send-IpcMessage `$w; " +
            'Start-Sleep 1000'
        $writer = Start-Process pwsh -PassThru -RedirectStandardOutput /dev/null -ArgumentList '-NoProfile', '-Command', $script
        Receive-IpcMessage $ring -Timeout 60 | Should -Be 'alive'
        Stop-Process -Id $writer.Id -Force
        Receive-IpcMessage $ring -All -Timeout 60 | Should -BeNullOrEmpty
    }

    It 'is looked at, and opened when it exists' {
        $job = Start-Job {
            Import-Module $using:manifest
            $r = Open-IpcObject "ring:/$using:name" -Wait -Timeout 60
            'there' | Send-IpcMessage $r
            Close-IpcObject $r
        }
        $ring = New-IpcRing $name
        Receive-IpcMessage $ring -Timeout 60 | Should -Be 'there'
        Receive-Job $job -Wait
        (Get-IpcObject "ring:/$name").Holders.ProcessId | Should -Contain $PID
        ($ring | Format-Table | Out-String) | Should -Match "ring:/$name\s+message ring +0600"
    }

    It 'leaves nothing behind when a session ends without closing it' {
        $script = "Import-Module '$manifest'; `$r = New-IpcRing $name; 1 | Send-IpcMessage `$r; Test-Path $file"
        pwsh -NoProfile -Command $script | Should -Be 'True'
    }
}
