# What a user does with Wait-IpcObject and Register-IpcMessage. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
}

Describe 'Waiting for several things' {
    BeforeEach { $script:made = @() }
    AfterEach { if ($made) { Remove-IpcObject $made -Force -ErrorAction Ignore } }

    It 'wakes for a Python program, on each mechanism' {
        $queue = New-IpcQueue -Kind SysV
        $pipe = New-IpcPipe "pester-$PID"
        $mutex = New-IpcMutex "pester-$PID"
        $script:made = $queue, $pipe, $mutex
        $reader = Open-IpcObject $pipe.Address -Access Read
        $python = Start-IpcJob -ArgumentList $pipe.Path, $mutex.Address.Path, $queue.Id {
            $script = @'
import ctypes, fcntl, sys
def wait(): sys.stdin.readline()
lock = open(sys.argv[2], 'r+b')
fcntl.flock(lock, fcntl.LOCK_EX)
print('locked', flush=True); wait()
open(sys.argv[1], 'w').write('from a FIFO\n'); wait()
libc = ctypes.CDLL(None, use_errno=True)
message = ctypes.create_string_buffer((1).to_bytes(8, 'little') + b'from a queue')
libc.msgsnd(int(sys.argv[3]), message, 12, 0); wait()
lock.close(); wait()
'@
            $input | python3 -c $script @args
        } -InputObject '', '', '', ''
        try {
            $seen = foreach ($object in $reader, $queue, $mutex) {
                $ready = Wait-IpcObject $object -Timeout 60
                $ready.Kind
                if ($object -ne $mutex) { $ready | Receive-IpcMessage -Format Text -Timeout 60 }
            }
            $seen | Should -Be 'named pipe', 'from a FIFO', 'System V message queue', 'from a queue', 'mutex'
        }
        finally {
            Stop-Job $python; Remove-Job $python -Force; Close-IpcObject $reader
        }
    }

    It 'ends by Ctrl+C within a second, also where a thread is blocked in the kernel' {
        $semaphore = New-IpcSemaphore "pester-$PID" -InitialCount 0
        $queue = New-IpcQueue -Kind SysV
        $script:made = $semaphore, $queue
        $shell = [powershell]::Create()
        $null = $shell.AddCommand('Import-Module').AddArgument((Get-Module IpcPs).Path).Invoke()
        $shell.Commands.Clear()
        $null = $shell.AddCommand('Wait-IpcObject').AddArgument(@($semaphore, $queue))
        $running = $shell.BeginInvoke()
        # The semaphore counts its waiters.
        foreach ($i in 1..3000) { if ($semaphore.Waiters) { break }; Start-Sleep -Milliseconds 20 }
        $semaphore.Waiters | Should -Be 1
        $shell.Stop()
        $running.AsyncWaitHandle.WaitOne(60000) | Should -BeTrue
        foreach ($i in 1..3000) { if (!$semaphore.Waiters) { break }; Start-Sleep -Milliseconds 20 }
        $semaphore.Waiters | Should -Be 0
        $shell.Dispose()
    }

    It 'reacts to messages while the session works' {
        $queue = New-IpcQueue "pester-$PID"
        $script:made = @($queue)
        $global:heard = @()
        $job = Register-IpcMessage $queue -Action { $global:heard += $EventArgs.Body }
        $sender = Start-IpcJob { 1..3 | Send-IpcMessage $using:queue }
        foreach ($i in 1..3000) { if ($heard.Count -eq 3) { break }; Start-Sleep -Milliseconds 20 }
        Get-EventSubscriber | Where-Object SourceIdentifier -like 'IpcMessage.*' | Unregister-Event
        $heard | Should -Be 1, 2, 3
        Receive-Job $sender -Wait -AutoRemoveJob
        $job.State | Should -Be 'Stopped'
    }
}
