# What a user does with shared memory, semaphores and mutexes. Run by dotnet test.
BeforeAll {
    $script:manifest = (Resolve-Path (Join-Path $PSScriptRoot '../../IpcPs.psd1')).Path
    Import-Module $manifest -Force
}

Describe 'Shared memory' {
    BeforeEach { $script:memory = $null }
    AfterEach { if ($memory -and $memory.Address.Scheme -ne 'MemFd') { Remove-IpcObject $memory.Address.Text -Force } }

    It 'is seen by a job that is given it with $using:' {
        $script:memory = New-IpcSharedMemory "pester-$PID" -Size 64KB
        Write-IpcSharedMemory $memory ([int[]](1..1000))
        $job = Start-Job {
            Import-Module $using:manifest
            $numbers = Read-IpcSharedMemory $using:memory -As Int32 -Count 1000
            ($numbers | Measure-Object -Sum).Sum | ForEach-Object { Write-IpcSharedMemory $using:memory ([long]$_) -Offset 8000 }
        }
        Receive-Job $job -Wait
        Read-IpcSharedMemory $memory -As Int64 -Offset 8000 | Should -Be 500500
    }

    It 'without a name is reached through its owner' {
        $script:memory = New-IpcSharedMemory -Size 4KB
        Write-IpcSharedMemory $memory 'anonymous'
        $job = Start-Job { Import-Module $using:manifest; Read-IpcSharedMemory $using:memory -As String }
        Receive-Job $job -Wait | Should -Be 'anonymous'
    }

    It 'keeps objects with their types' {
        $script:memory = New-IpcSharedMemory -Size 64KB
        Write-IpcSharedMemory $memory ([pscustomobject]@{ Name = 'x'; When = [datetime]'2026-01-02'; Parts = 1, 2 }) -As Object
        $copy = Read-IpcSharedMemory $memory -As Object
        $copy.When | Should -BeOfType datetime
        $copy.Parts | Should -Be 1, 2
    }

    It 'wakes a session that waits for a cell' {
        $script:memory = New-IpcSharedMemory "pester-$PID" -Size 4KB
        $job = Start-Job { Import-Module $using:manifest; Update-IpcSharedMemory $using:memory -Add 5 }
        Wait-IpcSharedMemory $memory -While 0 -Timeout 120 | Should -Be 5
        Receive-Job $job -Wait | Should -Be 5
    }

    It 'tells what is wrong' {
        $script:memory = New-IpcSharedMemory "pester-$PID" -Size 4KB
        { Read-IpcSharedMemory $memory -Offset 4096 -As Byte -ErrorAction Stop } | Should -Throw -ErrorId 'IpcOutOfRange,*'
        { New-IpcSharedMemory "pester-$PID" -Size 4KB -ErrorAction Stop } | Should -Throw -ErrorId 'IpcAlreadyExists,*'
        $readOnly = Open-IpcObject $memory.Address -Access Read
        { Write-IpcSharedMemory $readOnly 1 -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotSupported,*'
    }
}

Describe 'Locks' {
    BeforeEach { $script:lock = $null }
    AfterEach { if ($lock) { Remove-IpcObject $lock.Address.Text -Force } }

    It 'lets four jobs count without losing any, with <kind>' -ForEach @{ kind = 'mutex' }, @{ kind = 'semaphore' }, @{ kind = 'set' } {
        $script:lock = switch ($kind) {
            mutex { New-IpcMutex "pester-$PID" }
            semaphore { New-IpcSemaphore "pester-$PID" }
            set { New-IpcSemaphore -Kind SysV }
        }
        $counter = New-IpcSharedMemory -Size 8
        $jobs = 1..4 | ForEach-Object {
            Start-Job {
                Import-Module $using:manifest
                foreach ($i in 1..50) {
                    Use-IpcLock $using:lock {
                        Write-IpcSharedMemory $using:counter (1 + (Read-IpcSharedMemory $using:counter -As Int32))
                    }
                }
            }
        }
        $jobs | Receive-Job -Wait
        Read-IpcSharedMemory $counter -As Int32 | Should -Be 200
    }

    It 'passes a mutex on when its holder is killed, and says so' {
        $script:lock = New-IpcMutex "pester-$PID"
        $address = $lock.Address.Text
        $holder = Start-IpcJob { Lock-IpcObject $using:address; 'locked' | Send-IpcMessage $IpcParent; while ($true) { Start-Sleep 60 } }
        try {
            Receive-IpcMessage $holder -Timeout 60 | Should -Be 'locked'
            Send-IpcSignal $holder KILL
            $locked = Lock-IpcObject $address -PassThru -WarningVariable warned -WarningAction SilentlyContinue -Timeout 60
            $locked.OwnerDied | Should -BeTrue
            "$warned" | Should -BeLike "*Process $($holder.ProcessId) ended*"
            Unlock-IpcObject $address
            Wait-Job $holder -Timeout 60 | Should -Not -BeNullOrEmpty
        }
        finally { Remove-Job $holder -Force }
    }

    It 'is the lock that flock(1) takes' -Skip:(-not (Get-Command flock -ErrorAction Ignore)) {
        $script:lock = New-IpcMutex "pester-$PID"
        $folder = $env:XDG_RUNTIME_DIR ? "$env:XDG_RUNTIME_DIR/ipcps" : "/tmp/ipcps-$(id -u)"
        Use-IpcLock $lock { flock -n "$folder/pester-$PID.mutex" true; $LASTEXITCODE } | Should -Be 1
        flock -n "$folder/pester-$PID.mutex" true
        $LASTEXITCODE | Should -Be 0
    }

    It 'announces through a semaphore of 0' {
        $script:lock = New-IpcSemaphore "pester-$PID" -InitialCount 0
        $job = Start-Job { Import-Module $using:manifest; Unlock-IpcObject $using:lock -Count 2 }
        Lock-IpcObject $lock -Count 2 -Timeout 120
        Receive-Job $job -Wait
        { Lock-IpcObject $lock -NoWait } | Should -Throw -ErrorId 'IpcLocked,*'
    }
}
