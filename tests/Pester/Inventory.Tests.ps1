# What a user sees of the machine. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $PSDefaultParameterValues['Get-IpcObject:WarningAction'] = 'Ignore'
    $PSDefaultParameterValues['Clear-IpcObject:WarningAction'] = 'Ignore'

    # An array has a method Address of its own, which hides its members'.
    filter Get-Address { "$($_.Address)" }

    # A program that has a named pipe and shared memory open, and is killed: both are left behind.
    function New-Orphan {
        param([string] $Name)
        $ready = New-IpcPipe "$Name-ready"
        try {
            $folder = Split-Path $ready.Path
            $script = "mkfifo $folder/$Name; exec 8<> $folder/$Name; exec 9> /dev/shm/$Name; echo ready > $($ready.Path); exec sleep 1000"
            $process = Start-Process sh '-c', "`"$script`"" -PassThru
            $null = Receive-IpcMessage $ready -Timeout 60
            $before = @(Get-IpcObject $Name, "shm:/$Name")
            Send-IpcSignal $process KILL -Timeout 60 | Out-Null
            $process.WaitForExit(60000) | Out-Null
            [pscustomobject]@{ Id = $process.Id; Before = $before }
        }
        finally { Remove-IpcObject $ready -Force }
    }
}

Describe 'Inventory' {
    BeforeEach { $script:held = $null }
    AfterEach { Get-IpcObject "*pester-$PID*" -ErrorAction Ignore | Remove-IpcObject -Force -ErrorAction Ignore }

    It 'finds an object by name, and says who holds it' {
        $script:held = New-IpcSharedMemory "pester-$PID" -Size 4096
        $found = Get-IpcObject "pester-$PID"
        $found.Address | Should -Be "shm:/pester-$PID"
        $found.Size | Should -Be 4096
        "$($found.Holders)" | Should -Match "\($PID\)"
        $found.IsStale | Should -BeFalse
        Get-IpcObject "pester-$PID*" -Kind Mq | Should -BeNullOrEmpty
        $found | Out-String -Width 200 | Should -Match "shm:/pester-$PID .* 0600 .*\($PID\)"
    }

    It 'shows what a process holds' {
        $script:held = New-IpcQueue "pester-$PID"
        Get-Process -Id $PID | Get-IpcObject | Get-Address | Should -Contain "mq:/pester-$PID"
    }

    It 'clears what a killed program left, and not what this session holds' {
        $script:held = New-IpcPipe "pester-$PID-held"
        $orphan = New-Orphan "pester-$PID-orphan"
        $orphan.Before.Count | Should -Be 2
        $orphan.Before | ForEach-Object { "$($_.Holders)" | Should -Match "\($($orphan.Id)\)"; $_.IsStale | Should -BeFalse }

        $stale = Get-IpcObject "*pester-$PID-*" -Stale
        $addresses = $stale | Get-Address | Sort-Object
        $addresses | Should -Be "fifo:pester-$PID-orphan", "shm:/pester-$PID-orphan"
        $stale | ForEach-Object { $_.Reason | Should -Match 'no process has it open' }

        Clear-IpcObject "*pester-$PID-*" -Stale -WhatIf
        @(Get-IpcObject "*pester-$PID-*" -Stale).Count | Should -Be 2

        Clear-IpcObject "*pester-$PID-*" -Stale -PassThru | Get-Address | Sort-Object | Should -Be $addresses
        Get-IpcObject "*pester-$PID-*" | Get-Address | Should -Be "fifo:pester-$PID-held"
    }

    It 'removes what comes through the pipeline' {
        $null = New-IpcQueue "pester-$PID-1"
        $null = New-IpcSharedMemory "pester-$PID-2" -Size 4096
        Get-IpcObject "*pester-$PID-*" | Remove-IpcObject -WhatIf
        @(Get-IpcObject "*pester-$PID-*").Count | Should -Be 2
        Get-IpcObject "*pester-$PID-*" | Remove-IpcObject -Force
        Get-IpcObject "*pester-$PID-*" | Should -BeNullOrEmpty
        { Remove-IpcObject "mq:/pester-$PID-1" -ErrorAction Stop } | Should -Throw -ErrorId 'IpcNotFound,*'
    }

    It 'shows the limits' {
        $value = [long](Get-Content /proc/sys/fs/pipe-max-size)
        $limit = Get-IpcLimit fs.pipe-max-size
        $limit.Value | Should -Be $value
        $limit.Raise | Should -Match 'fs\.pipe-max-size'
        Get-IpcLimit fs.pipe-* | Out-String -Width 200 | Should -Match "fs\.pipe-max-size +$value .* bytes"
    }

    It 'says what works here' {
        Test-IpcFeature AnonymousPipe, NamedPipe -Quiet | Should -BeExactly $true
        $feature = Test-IpcFeature NamedPipe
        $feature.IsAvailable | Should -BeTrue
        $feature | Out-String | Should -Match 'NamedPipe +True'
    }

    It 'completes the address of what exists' {
        $script:held = New-IpcPipe "pester-$PID-tab"
        $line = 'Receive-IpcMessage fifo:pester-'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain "fifo:pester-$PID-tab"
    }
}
