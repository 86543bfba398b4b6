# Start-IpcJob beside Start-Job and Start-ThreadJob: what is the same, and where it differs (docs/handbook/jobs.md says why).
# Run by dotnet test.
BeforeDiscovery {
    # Name, and what IpcJob, Job and ThreadJob give. One value stands for all three. Facts is a script for the job $j and its records.
    $script:facts = @(
        @{ Name = 'all streams, in the order of writing'; Job = 'streams'; Fact = { $text -join '|' }
            Is = 'one|two|three|four||five', 'one|two|three|four||five', 'one|three|five|two|four' }
        @{ Name = 'the number of outputs, with $null'; Job = 'streams'; Fact = { $output.Count }; Is = 4, 4, 3 }
        @{ Name = 'the id of an error'; Job = 'streams'; Fact = { $errors[0].FullyQualifiedErrorId }
            Is = 'Microsoft.PowerShell.Commands.WriteErrorException' }
        @{ Name = 'Write-Host -NoNewline'; Job = 'streams'; Fact = { $host_[0].MessageData.NoNewLine }; Is = $true }
        @{ Name = 'the parent of a progress record'; Job = 'streams'; Fact = { (Progress $j)[-1].ParentActivityId }; Is = 7 }
        @{ Name = 'Receive-Job -Keep, then without'; Job = 'streams'
            Fact = {
                $kept = @(Receive-Job $j -Keep -ErrorAction Continue *>&1).Count
                "$($kept -eq @(Receive-Job $j -ErrorAction Continue *>&1).Count) $($j.HasMoreData)"
            }
            Is = 'True False' }
        @{ Name = 'the state after exit 3'; Job = 'exit'; Fact = { "$($j.State)" }; Is = 'Failed', 'Completed', 'Completed' }
        @{ Name = 'the output before exit 3'; Job = 'exit'; Fact = { "$output" }; Is = 'before' }
        @{ Name = 'the exit code'; Job = 'exit'; Fact = { $j.ExitCode }; Is = 3, $null, $null }
        @{ Name = 'the state after throw'; Job = 'throw'; Fact = { "$($j.State)" }; Is = 'Failed' }
        @{ Name = 'the reason after throw'; Job = 'throw'; Fact = { (Leaf $j).JobStateInfo.Reason.Message }; Is = 'why' }
        @{ Name = 'the error of throw, once'; Job = 'throw'; Fact = { "$errors" }; Is = 'why' }
        @{ Name = 'the id of the error of throw'; Job = 'throw'; Fact = { $errors[0].FullyQualifiedErrorId -replace ',.*' }
            Is = 'why', 'why', 'JobStateFailed' }
        @{ Name = 'Receive-Job -ErrorAction Stop'; Job = 'throw'
            Fact = { try { Receive-Job $j -Keep -ErrorAction Stop } catch { "$_" } }
            Is = 'before why' }
        @{ Name = 'Get-Job -State finds it'; Job = 'throw'; Fact = { $j.Id -in (Get-Job -State Failed).Id }; Is = $true }
        @{ Name = 'the folder, the culture'; Job = 'values'; Fact = { $output[0] }
            Is = "$((Get-Item $PSScriptRoot).FullName) $(Get-Culture)" }
        @{ Name = 'a native program: output, error, exit code'; Job = 'values'; Fact = { $output[1..3] -join '|' }; Is = 'err|raw|5 6' }
        @{ Name = 'arguments, $using:, $input'; Job = 'values'; Fact = { $output[4] }; Is = 'a b deep 1' }
        @{ Name = '$ErrorActionPreference Stop inside'; Job = 'values'; Fact = { $output[5] }; Is = 'caught' }
        @{ Name = '$PSStyle'; Job = 'values'; Fact = { $output[6] }; Is = "$($PSStyle.OutputRendering)" }
        @{ Name = 'standard error past PowerShell'; Job = 'values'; Fact = { "$errors" }; Is = 'past', '', '' }
        @{ Name = 'Wait-Job -Any'; Job = 'values'; Fact = { (Wait-Job $j, $endless -Any).Id -eq $j.Id }; Is = $true }
        @{ Name = 'Stop-Job'; Job = 'endless'; Fact = { Stop-Job $j; (Wait-Job $j -Timeout 60).Id -eq $j.Id }; Is = $true }
        @{ Name = 'Remove-Job -Force'; Job = 'endless'; Fact = { Remove-Job $j -Force; $j.Id -in (Get-Job).Id }; Is = $false }
    )
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../../IpcPs.psd1') -Force

    # The job that has the records: Start-Job's is a child of the one that it returns.
    function Leaf($Job) { if ($Job.ChildJobs) { $Job.ChildJobs[0] } else { $Job } }

    function Progress($Job) { @((Leaf $Job).Progress | Where-Object Activity -EQ 'inner') }

    $list = @{ Deep = @{ Value = 'deep' } }
    $scripts = [ordered]@{
        streams = {
            'one'; Write-Error 'two'; 'three'; Write-Host 'four' -NoNewline; $null; 'five'
            Write-Progress 'inner' -Id 8 -ParentId 7
        }
        exit = { 'before'; exit 3 }
        throw = { 'before'; throw 'why' }
        values = {
            "$PWD $(Get-Culture)"
            "$(sh -c 'echo err >&2; exit 5' 2>&1)"
            $first = $LASTEXITCODE
            sh -c 'echo raw; exit 6'
            "$first $LASTEXITCODE"
            "$args $(($using:list).Deep.Value) $(@($input).Count)"
            $ErrorActionPreference = 'Stop'
            try { Get-Item /nonexistent } catch { 'caught' }
            "$($PSStyle.OutputRendering)"
            [Console]::Error.WriteLine('past')
        }
        endless = { Start-Sleep 1000 }
    }
    $script:before = @(Get-Job | ForEach-Object Id)
    $script:jobs = @{}
    Push-Location $PSScriptRoot
    foreach ($kind in 'IpcJob', 'Job', 'ThreadJob') {
        foreach ($name in $scripts.Keys) { $jobs["$kind $name"] = 1 | & "Start-$kind" $scripts[$name] -ArgumentList a, b }
    }
    Pop-Location
    $null = $jobs.GetEnumerator() | Where-Object Name -NotLike '*endless' | ForEach-Object Value | Wait-Job -Timeout 120
}

AfterAll { Get-Job | Where-Object Id -NotIn $before | Remove-Job -Force }

Describe 'Start-IpcJob, Start-Job and Start-ThreadJob' {
    It '<Name>' -ForEach $facts {
        $found = foreach ($kind in 'IpcJob', 'Job', 'ThreadJob') {
            $j = $jobs["$kind $Job"]
            $endless = $jobs["$kind endless"]
            $all = @(if ($Job -ne 'endless') { Receive-Job $j -Keep -ErrorAction Continue *>&1 })
            $text = $all | ForEach-Object { "$_" }
            $errors = @($all | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
            $host_ = @($all | Where-Object { $_ -is [Management.Automation.InformationRecord] })
            $output = @($all | Where-Object { $_ -notin $errors -and $_ -notin $host_ })
            "$(. $Fact)"
        }
        $found -join ' / ' | Should -BeExactly ($(if (@($Is).Count -eq 1) { @($Is) * 3 } else { $Is }) -join ' / ')
    }
}
