# How fast the mechanisms are. Run by dotnet test.
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force
    $script:ProgressPreference = 'SilentlyContinue'
}

Describe 'Measure-IpcMechanism' {
    It 'measures between two processes, and leaves nothing behind' {
        $before = @(Get-ChildItem "/proc/$PID/task/*/children" | Get-Content)
        $results = Measure-IpcMechanism Pipe, Mq, Signal, Udp -Size 100, 65536 -Count 50 -WarningVariable warnings 3> $null
        $results.Mechanism | Should -Be 'Pipe', 'Pipe', 'Mq', 'Signal', 'Udp'
        $results.Size | Should -Be 100, 65536, 100, 8, 100
        "$warnings" | Should -BeLike 'Mq with 65536 bytes*Udp with 65536 bytes is not measured: A message of 65536 bytes is larger than*'
        $results[0].MessagesPerSecond | Should -BeGreaterThan 0
        $results[3].MessagesPerSecond | Should -BeNullOrEmpty
        $results | ForEach-Object { $_.MedianMicroseconds | Should -BeGreaterThan 0 }
        $text = $results | Out-String -Width 80
        $text | Should -Match '(?m)^Pipe +100B +[\d.]+ +[\d.]+ +\S+ +█* +\S+ +[\d.]+ *$'
        # The other process has ended.
        @(Get-ChildItem "/proc/$PID/task/*/children" | Get-Content) | Should -Be $before
        Get-IpcObject *ipcps-measure-* -WarningAction Ignore | Where-Object { $_.Holders.ProcessId -contains $PID } |
            Should -BeNullOrEmpty
    }

    It 'draws a chart, and stops at once with the pipeline' {
        $svg = [xml](Measure-IpcMechanism Pipe -Size 100 -Count 20 -As Svg)
        $svg.svg.title.'#text' | Should -Be 'Speed of IPC mechanisms between two processes'
        (Measure-IpcMechanism Pipe -Size 100, 200 -Count 20 | Select-Object -First 1).Size | Should -Be 100
    }
}
