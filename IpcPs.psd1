@{
    # The loader comes first: it creates the load context of IpcPs.Core, and may load IpcPs.Module.dll with native code. PowerShell would
    # load a RootModule before it.
    NestedModules        = @('module/bin/IpcPs.Loader.dll', 'module/bin/IpcPs.Module.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '6d1f7b1e-4f52-4d0b-9f0e-0f6a3d8f2c51'
    Author               = 'The IpcPs founders'
    CompanyName          = 'IpcPs'
    Copyright            = 'Copyright (c) 2026 the IpcPs founders. MIT licence.'
    Description          = 'Linux inter-process communication for PowerShell: signals, sockets, pipes, queues, shared memory, semaphores.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    TypesToProcess       = @('module/IpcPs.Types.ps1xml')
    FormatsToProcess     = @('module/IpcPs.Format.ps1xml')
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    CmdletsToExport      = @(
        'Clear-IpcObject'
        'Close-IpcObject'
        'ConvertTo-IpcDiagram'
        'Get-IpcConnection'
        'Get-IpcJobPool'
        'Get-IpcLimit'
        'Get-IpcObject'
        'Get-IpcSignal'
        'Invoke-IpcParallel'
        'Invoke-IpcRequest'
        'Join-IpcChannel'
        'Lock-IpcObject'
        'Measure-IpcMechanism'
        'New-IpcJobPool'
        'New-IpcMutex'
        'New-IpcPipe'
        'New-IpcQueue'
        'New-IpcRing'
        'New-IpcSemaphore'
        'New-IpcSharedMemory'
        'New-IpcSocket'
        'Open-IpcObject'
        'Read-IpcSharedMemory'
        'Receive-IpcMessage'
        'Register-IpcMessage'
        'Register-IpcSignal'
        'Remove-IpcJobPool'
        'Remove-IpcObject'
        'Send-IpcMessage'
        'Send-IpcSignal'
        'Set-IpcObject'
        'Start-IpcJob'
        'Test-IpcFeature'
        'Trace-IpcChannel'
        'Unlock-IpcObject'
        'Unregister-IpcSignal'
        'Update-IpcSharedMemory'
        'Use-IpcLock'
        'Use-IpcSignal'
        'Wait-IpcObject'
        'Wait-IpcSharedMemory'
        'Wait-IpcSignal'
        'Watch-IpcObject'
        'Write-IpcSharedMemory'
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @(
                'IPC', 'Linux', 'Pipe', 'FIFO', 'MessageQueue', 'SharedMemory', 'Semaphore', 'Mutex', 'Signal', 'Socket', 'Job', 'Parallel',
                'PSEdition_Core', 'PSIncludes_Cmdlet',
                # Find-PSResource -CommandName finds them.
                'PSCommand_Clear-IpcObject', 'PSCommand_Close-IpcObject', 'PSCommand_ConvertTo-IpcDiagram',
                'PSCommand_Get-IpcConnection', 'PSCommand_Get-IpcJobPool', 'PSCommand_Get-IpcLimit', 'PSCommand_Get-IpcObject',
                'PSCommand_Get-IpcSignal', 'PSCommand_Invoke-IpcParallel', 'PSCommand_Invoke-IpcRequest',
                'PSCommand_Join-IpcChannel', 'PSCommand_Lock-IpcObject', 'PSCommand_Measure-IpcMechanism',
                'PSCommand_New-IpcJobPool', 'PSCommand_New-IpcMutex', 'PSCommand_New-IpcPipe', 'PSCommand_New-IpcQueue',
                'PSCommand_New-IpcRing', 'PSCommand_New-IpcSemaphore', 'PSCommand_New-IpcSharedMemory', 'PSCommand_New-IpcSocket',
                'PSCommand_Open-IpcObject', 'PSCommand_Read-IpcSharedMemory', 'PSCommand_Receive-IpcMessage',
                'PSCommand_Register-IpcMessage', 'PSCommand_Register-IpcSignal', 'PSCommand_Remove-IpcJobPool',
                'PSCommand_Remove-IpcObject', 'PSCommand_Send-IpcMessage', 'PSCommand_Send-IpcSignal', 'PSCommand_Set-IpcObject',
                'PSCommand_Start-IpcJob', 'PSCommand_Test-IpcFeature', 'PSCommand_Trace-IpcChannel', 'PSCommand_Unlock-IpcObject',
                'PSCommand_Unregister-IpcSignal', 'PSCommand_Update-IpcSharedMemory', 'PSCommand_Use-IpcLock',
                'PSCommand_Use-IpcSignal', 'PSCommand_Wait-IpcObject', 'PSCommand_Wait-IpcSharedMemory',
                'PSCommand_Wait-IpcSignal', 'PSCommand_Watch-IpcObject', 'PSCommand_Write-IpcSharedMemory'
            )
            ProjectUri   = 'https://github.com/ipcps/IpcPs'
            LicenseUri   = 'https://github.com/ipcps/IpcPs/blob/main/LICENSE'
            ReleaseNotes = 'https://github.com/ipcps/IpcPs/blob/main/CHANGELOG.md'
        }
    }
}
